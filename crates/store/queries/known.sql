SELECT certificate_id FROM certferry.certificate_status WHERE certificate_id = ANY($1::bigint[])
