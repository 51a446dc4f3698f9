-- Those who are not mapped. Customers 5 and 6 share a licence, 7 has one that the destination knows; 8 and technician 5
-- have no name, 9 and 7 are refused; technician 6's user is not mapped, 8's mapping leads nowhere. No 10 and 9 exist.
INSERT INTO customers (id, name, trade_license) VALUES
    (4, 'Lone', NULL), (5, 'Twin', 'CN-9'), (6, 'Twin', ' CN-9 '), (7, 'Known', 'CN-1'), (8, '-', 'CN-8'),
    (9, 'REFUSED', NULL);
INSERT INTO technicians (id, name, phone, user_id) VALUES
    (3, 'Tariq', '050 1', 1), (4, 'Usman', NULL, 2), (5, NULL, NULL, 1), (6, 'Walid', NULL, 4), (7, 'REFUSED', NULL, 1),
    (8, 'Yasir', NULL, 3);
