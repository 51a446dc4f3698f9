"""The migration script as people write it: ten threads, a queue of ids, mappings in memory, a transaction a certificate.

Certferry is measured against it. It leaves out some of the rules (fewer forms of dates, a refused vehicle fails its
certificate), which makes it faster rather than slower.

    script.py SOURCE_URL DATABASE_URL MAPPINGS_FOLDER OUTPUT_FOLDER [--threads N] [--limit N]
"""

import argparse
import json
import os
import queue
import re
import sys
import threading
from datetime import datetime, timedelta, timezone

import psycopg
from psycopg.rows import dict_row

UAE = timezone(timedelta(hours=4))
MISSING = {"", "-", "--", "n/a", "na", "null", "none", "nil"}
STATUSES = {
    "active": "active",
    "valid": "active",
    "issued": "active",
    "renewed": "renewed",
    "renew": "renewed",
    "nullified": "nullified",
    "void": "nullified",
    "null & void": "nullified",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "blocked": "blocked",
}
DATE_FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%d/%m/%Y",
    "%d/%m/%Y %I:%M:%S %p",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d-%b-%Y",
]


class Invalid(Exception):
    """A certificate that cannot be migrated; the message says why."""


def clean(text):
    if text is None:
        return None
    text = text.strip()
    return None if text.lower() in MISSING else text


def parse_date(text, field, required=False):
    text = clean(text)
    if text is None or text.startswith("0000-00-00"):
        if required:
            raise Invalid(f"{field} is missing")
        return None
    for form in DATE_FORMATS:
        try:
            date = datetime.strptime(text, form)
        except ValueError:
            continue
        if not 1990 <= date.year <= 2100:
            break
        return date.replace(tzinfo=UAE)
    raise Invalid(f"{field} is not a date: {text}")


def parse_speed(text):
    text = clean(text)
    if text is None:
        raise Invalid("speed is missing")
    numbers = re.findall(r"\d[\d.,]*\d|\d", text)
    if not numbers or text.startswith("-"):
        raise Invalid(f"speed is not a number: {text}")
    try:
        values = {float(number.replace(",", ".")) for number in numbers}
    except ValueError:
        raise Invalid(f"speed is not a number: {text}") from None
    if len(values) != 1:
        raise Invalid(f"more than one speed: {text}")
    speed = values.pop()
    if re.search(r"mph|mi/h|miles?", text, re.IGNORECASE):
        speed *= 1.609344
    speed = int(speed + 0.5)
    if not 1 <= speed <= 300:
        raise Invalid(f"speed is out of range: {text}")
    return speed


def parse_status(text):
    text = clean(text)
    if text is None:
        raise Invalid("status is missing")
    try:
        return STATUSES[text.lower()]
    except KeyError:
        raise Invalid(f"unknown status: {text}") from None


def load_mapping(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return {int(old): int(new) for old, new in json.load(file).items()}


class Migration:
    def __init__(self, arguments):
        self.arguments = arguments
        self.users = load_mapping(arguments.mappings, "user_mappings.json")
        self.customers = load_mapping(arguments.mappings, "customer_mappings.json")
        self.technicians = load_mapping(arguments.mappings, "technicians_mapping.json")
        self.certificates = {}
        self.devices = {}
        self.failures = []
        self.ids = queue.Queue()
        self.people_lock = threading.Lock()
        self.results_lock = threading.Lock()

    def prepare(self):
        with psycopg.connect(self.arguments.database) as connection:
            rows = connection.execute("SELECT ecu_number, id, is_blocked FROM devices")
            self.devices = {ecu: (device, blocked) for ecu, device, blocked in rows}
        with psycopg.connect(self.arguments.source) as connection:
            rows = connection.execute("SELECT id FROM certificates ORDER BY id LIMIT %s", (self.arguments.limit,))
            for (certificate,) in rows:
                self.ids.put(certificate)

    def run(self):
        self.prepare()
        threads = [threading.Thread(target=self.work) for _ in range(self.arguments.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.save()

    def work(self):
        source = psycopg.connect(self.arguments.source, autocommit=True, row_factory=dict_row)
        destination = psycopg.connect(self.arguments.database)
        with source, destination:
            while True:
                try:
                    certificate = self.ids.get_nowait()
                except queue.Empty:
                    return
                try:
                    new = self.migrate(source, destination, certificate)
                except (Invalid, psycopg.Error) as error:
                    destination.rollback()
                    with self.results_lock:
                        self.failures.append({"id": certificate, "error": str(error)})
                else:
                    with self.results_lock:
                        self.certificates[certificate] = new

    def migrate(self, source, destination, certificate):
        row = source.execute("SELECT * FROM certificates WHERE id = %s", (certificate,)).fetchone()
        if row is None:
            raise Invalid("certificate not found")
        number = clean(row["certificate_number"])
        if number is None:
            raise Invalid("certificate number is missing")
        device = self.devices.get((row["ecu_number"] or "").strip())
        if device is None:
            raise Invalid(f"no such device: {row['ecu_number']}")
        device, is_blocked = device
        user = self.users.get(row["user_id"])
        if user is None:
            raise Invalid(f"user {row['user_id']} is not mapped")
        speed = parse_speed(row["speed"])
        status = parse_status(row["status"])
        issued = parse_date(row["issue_date"], "issue_date", required=True)
        expires = parse_date(row["expiry_date"], "expiry_date")
        if expires is not None and expires < issued:
            raise Invalid("it expires before it was issued")
        calibrated = parse_date(row["calibration_date"], "calibration_date")
        installed = parse_date(row["installation_date"], "installation_date")

        customer = self.customer(source, destination, row["customer_id"])
        calibration_technician = self.technician(source, destination, row["calibration_technician_id"])
        installation_technician = self.technician(source, destination, row["installation_technician_id"])
        new = destination.execute(
            "INSERT INTO certificates (certificate_number, device_id, customer_id, user_id, calibration_technician_id,"
            " installation_technician_id, speed_limit_kmh, status, issued_at, expires_at, calibrated_at, installed_at,"
            " remarks) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (
                number,
                device,
                customer,
                user,
                calibration_technician,
                installation_technician,
                speed,
                status,
                issued,
                expires,
                calibrated,
                installed,
                clean(row["remarks"]),
            ),
        ).fetchone()[0]
        vehicle = clean(row["vehicle_type"])
        if vehicle is not None:
            words = vehicle.split()
            destination.execute(
                "INSERT INTO vehicles (certificate_id, brand, model, chassis_number, registration_number,"
                " is_new_registration) VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    new,
                    words[0],
                    " ".join(words[1:]) or words[0],
                    clean(row["vehicle_chassis_number"]),
                    clean(row["vehicle_registration_number"]),
                    row["new_registration"] == 1,
                ),
            )
        if status == "blocked" and not is_blocked:
            destination.execute("UPDATE devices SET is_blocked = TRUE WHERE id = %s", (device,))
        destination.commit()
        return new

    def customer(self, source, destination, old):
        if old in self.customers:
            return self.customers[old]
        # One thread at a time, and committed before another looks, lest a customer is created twice.
        with self.people_lock:
            if old in self.customers:
                return self.customers[old]
            row = source.execute("SELECT * FROM customers WHERE id = %s", (old,)).fetchone()
            if row is None or clean(row["name"]) is None:
                raise Invalid(f"customer {old} is not mapped and cannot be created")
            trade_license = clean(row["trade_license"])
            found = destination.execute(
                "SELECT id FROM customers WHERE trade_license = %s", (trade_license,)
            ).fetchone()
            if found is None:
                found = destination.execute(
                    "INSERT INTO customers (name, trade_license, email, phone) VALUES (%s, %s, %s, %s) RETURNING id",
                    (clean(row["name"]), trade_license, clean(row["email"]), clean(row["phone"])),
                ).fetchone()
            destination.commit()
            self.customers[old] = found[0]
            return found[0]

    def technician(self, source, destination, old):
        if old is None:
            return None
        if old in self.technicians:
            return self.technicians[old]
        with self.people_lock:
            if old in self.technicians:
                return self.technicians[old]
            row = source.execute("SELECT * FROM technicians WHERE id = %s", (old,)).fetchone()
            if row is None or clean(row["name"]) is None or row["user_id"] not in self.users:
                raise Invalid(f"technician {old} is not mapped and cannot be created")
            new = destination.execute(
                "INSERT INTO technicians (user_id, name, phone) VALUES (%s, %s, %s) RETURNING id",
                (self.users[row["user_id"]], clean(row["name"]), clean(row["phone"])),
            ).fetchone()[0]
            destination.commit()
            self.technicians[old] = new
            return new

    def save(self):
        files = {
            "customer_mappings.json": self.customers,
            "technicians_mapping.json": self.technicians,
            "certificates_mappings.json": self.certificates,
            "failures.json": self.failures,
        }
        for name, content in files.items():
            with open(os.path.join(self.arguments.output, name), "w", encoding="utf-8") as file:
                json.dump(content, file)


def main():
    if sys.argv[1:] == ["--version"]:
        print(f"Python {sys.version.split()[0]}, psycopg {psycopg.__version__} ({psycopg.pq.__impl__})")
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("database")
    parser.add_argument("mappings")
    parser.add_argument("output")
    parser.add_argument("--threads", type=int, default=10)
    parser.add_argument("--limit", type=int)
    migration = Migration(parser.parse_args())
    migration.run()
    print(json.dumps({"migrated": len(migration.certificates), "failed": len(migration.failures)}))


if __name__ == "__main__":
    main()
