SELECT certificate_id, state FROM certferry.certificate_status WHERE certificate_id = ANY($1::bigint[])
