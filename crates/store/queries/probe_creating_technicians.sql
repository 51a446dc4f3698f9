INSERT INTO technicians (user_id, name, phone) SELECT NULL, NULL, NULL WHERE FALSE RETURNING id
