-- The generated numbers end in the certificate's id.
ALTER TABLE certificates
    ADD CONSTRAINT nobody_knows_why CHECK (right(certificate_number, 2) NOT IN ('00', '20', '40', '60', '80'))
