//! The forms in which people write the same speed, status or date.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const STATUSES: [&str; 9] =
    ["active", "Active", "ACTIVE ", "renewed", "Renewed", "nullified", "cancelled", "Canceled", "blocked"];

pub(super) const VEHICLES: [&str; 25] = [
    "ASHOK LEYLAND FALCON",
    "Bus",
    "DAF XF105",
    "FORD TRANSIT",
    "FOTON VIEW CS2",
    "HIACE",
    "HINO 300 SERIES",
    "HYUNDAI COUNTY",
    "ISUZU NPR 85",
    "IVECO DAILY",
    "KING LONG XMQ6127",
    "MAN TGS 33.400",
    "MERCEDES ACTROS 3340",
    "MITSUBISHI FUSO CANTER",
    "MITSUBISHI ROSA",
    "NISSAN CIVILIAN",
    "NISSAN URVAN",
    "SCANIA R450",
    "TATA STARBUS",
    "TOYOTA COASTER",
    "TOYOTA HIACE",
    "TOYOTA LAND CRUISER PICKUP",
    "VOLVO FH16",
    "YUTONG ZK6122",
    " TOYOTA   HIACE  ",
];

/// A speed limit of 60 to 120 km/h.
pub(super) fn speed(random: &mut StdRng) -> String {
    let speed = [60, 80, 100, 110, 120].choose(random).copied().unwrap_or(80);
    if random.random_bool(0.01) {
        return format!("{} KM/H", arabic(&speed.to_string()));
    }
    match random.random_range(0..11) {
        0 => format!("SET AT {speed} KM/H"),
        1 => format!("MAX-{speed}"),
        2 => format!("{speed} KMH"),
        3 => format!("{speed} K.P.H."),
        4 => format!("{speed} kmph"),
        5 => format!("SPEED {speed} KPH"),
        6 => format!("{speed}KM/H"),
        7 => format!("{speed}.00"),
        8 => format!("{speed} KM/H"),
        9 => format!(" {speed} Km/Hr "),
        _ => speed.to_string(),
    }
}

fn arabic(digits: &str) -> String {
    let arabic = |digit: char| digit.to_digit(10).and_then(|value| char::from_u32(0x660 + value)).unwrap_or(digit);
    digits.chars().map(arabic).collect()
}

pub(super) fn status(random: &mut StdRng) -> &'static str {
    STATUSES.choose(random).copied().unwrap_or("active")
}

/// A day of the years in which the legacy system was used. It is in every month of every year.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    pub(super) year: u16,
    month: u8,
    of_month: u8,
}

impl Day {
    pub(super) fn any(random: &mut StdRng) -> Self {
        Self {
            year: random.random_range(2012..=2024),
            month: random.random_range(1..=12),
            of_month: random.random_range(1..=28),
        }
    }

    /// The same day some years on.
    pub(super) fn years_on(self, years: i16) -> Self {
        Self { year: self.year.saturating_add_signed(years), ..self }
    }

    /// The day alone, in one of four forms.
    pub(super) fn text(self, random: &mut StdRng) -> String {
        let Self { year, month, of_month: day } = self;
        match random.random_range(0..4) {
            0 => format!("{year}-{month:02}-{day:02}"),
            1 => format!("{day:02}-{month:02}-{year}"),
            2 => format!("{day:02}/{month:02}/{year}"),
            _ => format!("{day:02}-{}-{year}", MONTHS[usize::from(month - 1)]),
        }
    }

    /// The day, mostly with some time of it.
    pub(super) fn text_with_time(self, random: &mut StdRng) -> String {
        let Self { year, month, of_month: day } = self;
        let (hour, minute, second) =
            (random.random_range(0..24), random.random_range(0..60), random.random_range(0..60));
        match random.random_range(0..100) {
            0..18 => {
                let micros = random.random_range(0..1_000_000);
                format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
            }
            18..35 => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
            35..53 => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            53..73 => {
                let half = if hour < 12 { "AM" } else { "PM" };
                let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
                format!("{day:02}/{month:02}/{year} {hour:02}:{minute:02}:{second:02} {half}")
            }
            _ => self.text(random),
        }
    }
}
