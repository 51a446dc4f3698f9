-- What is to be taken back is looked at and deleted as it is now: nobody changes it, or refers to it, in between.
SELECT id FROM vehicles WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
