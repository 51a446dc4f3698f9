SELECT EXISTS (
    SELECT FROM certferry.producer_at_work
    WHERE seen_at > clock_timestamp() - $1::double precision * interval '1 second'
) AS "at_work!"
