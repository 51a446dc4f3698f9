INSERT INTO customers (name, trade_license, email, phone) SELECT NULL, NULL, NULL, NULL WHERE FALSE RETURNING id
