//! Users, customers, technicians and devices, on both sides.
//!
//! What is mapped follows from the number and not from chance, so that even a small data set has some of each kind.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::{Dataset, Stream};
use crate::load::{Line, Row};

const FIRST_NAMES: [&str; 16] = [
    "Ahmed", "Ali", "Anil", "Arif", "Fatima", "Imran", "Joseph", "Khalid", "Mohammed", "Noor", "Omar", "Ramesh",
    "Rashid", "Saeed", "Suresh", "Yousef",
];
const LAST_NAMES: [&str; 12] = [
    "Al Hashimi",
    "Al Mansoori",
    "Al Suwaidi",
    "Al Zaabi",
    "Fernandes",
    "Hussain",
    "Khan",
    "Nair",
    "Pillai",
    "Rahman",
    "Siddiqui",
    "Thomas",
];
const FIRMS: [&str; 12] = [
    "Al Noor",
    "Al Wasl",
    "Blue Dune",
    "Creek",
    "Desert",
    "Falcon",
    "Gulf Star",
    "Oasis",
    "Palm",
    "Pearl",
    "Union Coast",
    "White Sand",
];
const TRADES: [&str; 8] = [
    "Bus Rental",
    "Cargo LLC",
    "General Trading",
    "Heavy Equipment",
    "Logistics FZE",
    "Passenger Transport",
    "School Transport",
    "Transport LLC",
];

impl Dataset {
    pub(super) fn users(&self) -> impl Iterator<Item = User> + use<> {
        let dataset = *self;
        (0..self.user_count()).map(move |number| User::generate(&dataset, number))
    }

    pub(super) fn customers(&self) -> impl Iterator<Item = Customer> + use<> {
        let dataset = *self;
        (0..self.customer_count()).map(move |number| Customer::generate(&dataset, number))
    }

    pub(super) fn technicians(&self) -> impl Iterator<Item = Technician> + use<> {
        let dataset = *self;
        (0..self.technician_count()).map(move |number| Technician::generate(&dataset, number))
    }

    fn user_count(&self) -> u64 {
        8 * (1 + self.certificates / 10_000)
    }

    fn customer_count(&self) -> u64 {
        50 + self.certificates / 200
    }

    fn technician_count(&self) -> u64 {
        16 * (1 + self.certificates / 20_000)
    }

    /// The legacy id of a user with a mapping, or of one without.
    pub(super) fn any_user(&self, random: &mut StdRng, mapped: bool) -> i64 {
        User::old_id_of(self.any_user_number(random, mapped))
    }

    fn any_user_number(&self, random: &mut StdRng, mapped: bool) -> u64 {
        let group = 8 * random.random_range(0..self.user_count() / 8);
        group + if mapped { random.random_range(0..7) } else { 7 }
    }

    /// The legacy id of a customer.
    pub(super) fn any_customer(&self, random: &mut StdRng) -> i64 {
        Customer::old_id_of(random.random_range(0..self.customer_count()))
    }

    /// The legacy id of a technician whose user has a mapping, or of one whose user has not.
    pub(super) fn any_technician(&self, random: &mut StdRng, with_user: bool) -> i64 {
        let group = 16 * random.random_range(0..self.technician_count() / 16);
        let member = random.random_range(0..15);
        let member =
            if with_user { member + u64::from(member >= Technician::WITHOUT_USER) } else { Technician::WITHOUT_USER };
        Technician::old_id_of(group + member)
    }
}

/// A row as the legacy system has it.
#[derive(Debug)]
pub(super) struct Legacy<T>(pub(super) T);

/// A row as the destination has it.
#[derive(Debug)]
pub(super) struct New<T>(pub(super) T);

#[derive(Debug)]
pub(super) struct User {
    number: u64,
    name: String,
}

impl User {
    fn generate(dataset: &Dataset, number: u64) -> Self {
        Self { number, name: person(&mut dataset.random(Stream::User, number)) }
    }

    fn old_id_of(number: u64) -> i64 {
        id(100, number)
    }

    pub(super) fn old_id(&self) -> i64 {
        Self::old_id_of(self.number)
    }

    pub(super) fn new_id(&self) -> i64 {
        id(7000, self.number)
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.number % 8 != 7
    }
}

impl Row for Legacy<User> {
    const COLUMNS: &'static str = "id, name, email";

    fn write(&self, line: &mut Line<'_>) {
        let email = format!("user{}@legacy.example", self.0.old_id());
        line.number(self.0.old_id()).text(&*self.0.name).text(&*email);
    }
}

impl Row for New<User> {
    const COLUMNS: &'static str = "id, name, email";

    fn write(&self, line: &mut Line<'_>) {
        let email = format!("user{}@new.example", self.0.old_id());
        line.number(self.0.new_id()).text(&*self.0.name).text(&*email);
    }
}

#[derive(Debug)]
pub(super) struct Customer {
    number: u64,
    name: String,
    phone: String,
}

impl Customer {
    fn generate(dataset: &Dataset, number: u64) -> Self {
        let random = &mut dataset.random(Stream::Customer, number);
        Self {
            number,
            name: format!("{} {} {number}", pick(&FIRMS, random), pick(&TRADES, random)),
            phone: phone(random),
        }
    }

    fn old_id_of(number: u64) -> i64 {
        id(1000, number)
    }

    pub(super) fn old_id(&self) -> i64 {
        Self::old_id_of(self.number)
    }

    pub(super) fn new_id(&self) -> i64 {
        id(20_000, self.number)
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.number % 3 != 2
    }

    /// Not mapped, but at the destination under the same trade licence, with another name.
    fn is_renamed(&self) -> bool {
        !self.is_mapped() && self.number % 4 == 1 && self.has_trade_license()
    }

    pub(super) fn is_in_destination(&self) -> bool {
        self.is_mapped() || self.is_renamed()
    }

    fn has_trade_license(&self) -> bool {
        self.number % 5 != 1
    }

    fn trade_license(&self) -> Option<String> {
        self.has_trade_license().then(|| format!("CN-{}", 100_000 + self.number))
    }

    fn email(&self) -> String {
        if self.number.is_multiple_of(3) { String::new() } else { format!("fleet{}@customer.example", self.number) }
    }
}

impl Row for Legacy<Customer> {
    const COLUMNS: &'static str = "id, name, trade_license, email, phone";

    fn write(&self, line: &mut Line<'_>) {
        let Self(customer) = self;
        line.number(customer.old_id()).text(&*customer.name).text(customer.trade_license().as_deref());
        line.text(&*customer.email()).text(&*customer.phone);
    }
}

impl Row for New<Customer> {
    const COLUMNS: &'static str = "id, name, trade_license, email, phone";

    fn write(&self, line: &mut Line<'_>) {
        let Self(customer) = self;
        let renamed = customer.is_renamed().then(|| format!("{} (renamed)", customer.name));
        let name = renamed.as_deref().unwrap_or(&customer.name);
        line.number(customer.new_id()).text(name).text(customer.trade_license().as_deref());
        line.text(&*customer.email()).text(&*customer.phone);
    }
}

#[derive(Debug)]
pub(super) struct Technician {
    number: u64,
    name: String,
    phone: String,
    user: u64,
}

impl Technician {
    /// The technician of each sixteen whose user has no mapping, so that he cannot be created.
    const WITHOUT_USER: u64 = 3;

    fn generate(dataset: &Dataset, number: u64) -> Self {
        let random = &mut dataset.random(Stream::Technician, number);
        let user = dataset.any_user_number(random, number % 16 != Self::WITHOUT_USER);
        Self { number, name: person(random), phone: phone(random), user }
    }

    fn old_id_of(number: u64) -> i64 {
        id(500, number)
    }

    pub(super) fn old_id(&self) -> i64 {
        Self::old_id_of(self.number)
    }

    pub(super) fn new_id(&self) -> i64 {
        id(30_000, self.number)
    }

    pub(super) fn is_mapped(&self) -> bool {
        matches!(self.number % 16, 1 | 4 | 5 | 8 | 12 | 13 | 14)
    }
}

impl Row for Legacy<Technician> {
    const COLUMNS: &'static str = "id, name, phone, user_id";

    fn write(&self, line: &mut Line<'_>) {
        let Self(technician) = self;
        line.number(technician.old_id()).text(&*technician.name).text(&*technician.phone);
        line.number(User::old_id_of(technician.user));
    }
}

impl Row for New<Technician> {
    const COLUMNS: &'static str = "id, name, phone, user_id";

    fn write(&self, line: &mut Line<'_>) {
        let Self(technician) = self;
        line.number(technician.new_id()).text(&*technician.name).text(&*technician.phone);
        line.number(id(7000, technician.user));
    }
}

/// A device at the destination; the legacy system knows only its ECU number.
#[derive(Debug)]
pub(super) struct Device(pub(super) u64);

impl Device {
    pub(super) fn ecu_number(&self) -> String {
        format!("ECU7{:07}", self.0)
    }
}

impl Row for Device {
    const COLUMNS: &'static str = "id, ecu_number";

    fn write(&self, line: &mut Line<'_>) {
        line.number(id(50_000, self.0)).text(&*self.ecu_number());
    }
}

fn id(first: i64, number: u64) -> i64 {
    first + i64::try_from(number).expect("a data set is smaller than that")
}

fn pick<'a>(words: &[&'a str], random: &mut StdRng) -> &'a str {
    words.choose(random).copied().unwrap_or_default()
}

fn person(random: &mut StdRng) -> String {
    format!("{} {}", pick(&FIRST_NAMES, random), pick(&LAST_NAMES, random))
}

fn phone(random: &mut StdRng) -> String {
    format!("05{:08}", random.random_range(0..100_000_000))
}
