UPDATE certificates
SET certificate_number = (SELECT neighbour.certificate_number FROM certificates AS neighbour
                          WHERE neighbour.id = certificates.id - 1)
WHERE id % 40 = 20;
UPDATE certificates SET vehicle_type = repeat('B', 80) || ' X' WHERE id % 40 = 0;
