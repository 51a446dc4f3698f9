//! Holds a database URL against what its driver knows, before the driver sees it: the drivers take a misspelt `sslmode`
//! for none, and connect in the clear.

use std::borrow::Cow;
use std::net::IpAddr;

use url::{Url, form_urlencoded};

use super::parameters::{
    CERTIFICATE, KEY, MODE, MYSQL, MYSQL_AUTHORITY, POSTGRES, POSTGRES_AUTHORITY, Parameter, SQLITE,
};

/// The variables of the environment by name; an empty one is not there.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that is wrong with a URL, each as the end of a sentence that begins with its key. Never shows a value that
/// may be a password.
pub(crate) fn mistakes(url: &str, environment: Environment<'_>) -> Vec<String> {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    if scheme == "sqlite" {
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        return Given::of(query, SQLITE).mistakes;
    }
    let parsed = match Url::parse(url) {
        Err(error) => return vec![format!("is not a valid URL: {error}; {ENCODE}")],
        // Taken literally, the rest of the password would become the database's name, and be shown as such.
        Ok(parsed) if parsed.path().contains('@') => return vec![format!("has an '@' behind the host; {ENCODE}")],
        Ok(parsed) if parsed.fragment().is_some() => return vec![format!("has a '#'; {ENCODE}")],
        Ok(parsed) => parsed,
    };
    let query = parsed.query().unwrap_or_default();
    if scheme.starts_with("postgres") {
        let mut given = Given::of(query, POSTGRES);
        let place = postgres_place(&parsed, &given, environment);
        given.check_security(&POSTGRES_SECURITY, &place);
        given.check_environment(environment);
        given.mistakes
    } else {
        let mut given = Given::of(query, MYSQL);
        let host = parsed.host_str().filter(|host| !host.is_empty());
        let place = match host {
            Some(host) if given.value(&["socket"]).is_none() => Place::of_host(host, ""),
            _ => Place::Local,
        };
        given.check_security(&MYSQL_SECURITY, &place);
        given.mistakes
    }
}

const ENCODE: &str = "in a user or password, write @ : / ? # % percent-encoded";

/// How an engine's URLs say that a connection is secured.
struct Security {
    /// Those that hold the server's certificate against an authority.
    verifying: &'static [&'static str],
    mode: &'static str,
    meanings: &'static str,
    authority: &'static [&'static str],
}

const POSTGRES_SECURITY: Security = Security {
    verifying: &["verify-full", "verify-ca"],
    mode: "sslmode",
    meanings: "verify-full (encrypted, the server's certificate and name verified: the one to take), verify-ca (its \
               certificate only), require (encrypted, but whoever answers is trusted), prefer (encrypted where the \
               server can) or disable (in the clear)",
    authority: POSTGRES_AUTHORITY,
};

const MYSQL_SECURITY: Security = Security {
    verifying: &["VERIFY_IDENTITY", "VERIFY_CA"],
    mode: "ssl-mode",
    meanings: "VERIFY_IDENTITY (encrypted, the server's certificate and name verified, as verify-full is: the one to \
               take), VERIFY_CA (its certificate only), REQUIRED (encrypted, but whoever answers is trusted), PREFERRED \
               (encrypted where the server can) or DISABLED (in the clear)",
    authority: MYSQL_AUTHORITY,
};

/// Variables of PostgreSQL's own programs that the driver reads too, and the parameter that says the same.
const VARIABLES: [(&str, &[&str]); 3] =
    [("PGSSLROOTCERT", POSTGRES_AUTHORITY), ("PGSSLCERT", CERTIFICATE), ("PGSSLKEY", KEY)];

/// Where a server is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// On this machine: a socket or the loopback address.
    Local,
    /// At a host, with where the name comes from if that is not the URL.
    Remote(String),
}

impl Place {
    fn of_host(host: &str, origin: &str) -> Self {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_local = host.is_empty()
            || host.starts_with('/')
            || host.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        if is_local { Self::Local } else { Self::Remote(format!("{host}{origin}")) }
    }
}

/// As the driver decides: a socket before a host, the last host named, and the environment where there is none.
fn postgres_place(url: &Url, given: &Given<'_>, environment: Environment<'_>) -> Place {
    let in_url = url.host_str().unwrap_or_default();
    let in_url = form_urlencoded::parse(format!("={}", in_url.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, host)| host.into_owned())
        .unwrap_or_default();
    let named = given.pairs.iter().filter(|(name, _)| name == "host" || name == "hostaddr").map(|(_, value)| &**value);
    let hosts: Vec<&str> = std::iter::once(&*in_url).filter(|host| !host.is_empty()).chain(named).collect();
    if hosts.iter().any(|host| host.starts_with('/')) {
        return Place::Local;
    }
    if let Some(host) = hosts.last() {
        return Place::of_host(host, "");
    }
    for variable in ["PGHOSTADDR", "PGHOST"] {
        if let Some(host) = environment(variable) {
            return Place::of_host(&host, &format!(" (from the environment variable {variable})"));
        }
    }
    Place::Local
}

/// The parameters of a URL, and what is wrong with them.
struct Given<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    mistakes: Vec<String>,
}

impl<'a> Given<'a> {
    fn of(query: &'a str, known: &[Parameter]) -> Self {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let mut given = Self { pairs, mistakes: Vec::new() };
        let accepted = known.iter().map(|parameter| parameter.names[0]).collect::<Vec<_>>().join(", ");
        let mut seen: Vec<&str> = Vec::new();
        let mut behind_password = false;
        for (name, value) in &given.pairs {
            let parameter = known.iter().find(|parameter| parameter.names.contains(&&**name));
            let usual = match parameter {
                Some(parameter) => parameter.names[0],
                None if is_server_option(name, known) => name,
                None => {
                    given.mistakes.push(unknown(name, behind_password, known, &accepted));
                    continue;
                }
            };
            behind_password = usual == "password";
            if seen.contains(&usual) {
                given.mistakes.push(format!("has the parameter {usual} twice; keep one of them"));
                continue;
            }
            seen.push(usual);
            if let Some(mistake) = parameter.and_then(|parameter| parameter.mistake(value)) {
                given.mistakes.push(format!("has the parameter {name}, which {mistake}"));
            }
        }
        given
    }

    fn value(&self, names: &[&str]) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| names.contains(&&**name)).map(|(_, value)| &**value)
    }

    /// Whether the connection is secured in a way that was chosen.
    fn check_security(&mut self, security: &Security, place: &Place) {
        if !self.mistakes.is_empty() {
            // A misspelt name may be the very one that would say it.
            return;
        }
        let Security { verifying, mode: name, meanings, authority } = security;
        let mode = self.value(MODE);
        if let (None, Place::Remote(host)) = (mode, place) {
            self.mistakes.push(format!(
                "leads to {host}, which is another machine, and does not say how the connection is secured; add the \
                 parameter {name} as {meanings}"
            ));
            return;
        }
        let is = |accepted: &[&str]| mode.is_some_and(|mode| accepted.iter().any(|is| is.eq_ignore_ascii_case(mode)));
        let names_authority = self.value(authority).is_some();
        if names_authority && !is(verifying) {
            self.mistakes.push(format!(
                "has the parameter {}, which verifies nothing unless {name} is {}",
                authority[0],
                verifying.join(" or ")
            ));
        }
        if self.value(CERTIFICATE).is_some() != self.value(KEY).is_some() {
            self.mistakes.push("has one of sslcert and sslkey; accepted are both or none".to_owned());
        }
    }

    /// Whether the environment would decide whom to trust, or who we are. PGSSLMODE is never read.
    fn check_environment(&mut self, environment: Environment<'_>) {
        if self.value(MODE).is_none_or(|mode| mode.eq_ignore_ascii_case("disable")) {
            return;
        }
        for (variable, names) in VARIABLES {
            if environment(variable).is_some() && self.value(names).is_none() {
                self.mistakes.push(format!(
                    "does not say {}, and the environment variable {variable} would; write the parameter, or unset the \
                     variable",
                    names[0]
                ));
            }
        }
    }
}

/// Whether it is `options[NAME]`, a setting of PostgreSQL's server.
fn is_server_option(name: &str, known: &[Parameter]) -> bool {
    let inside = name.strip_prefix("options[").and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(is_word) && known.iter().any(|parameter| parameter.names == ["options"])
}

fn is_word(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 40 && name.chars().all(letters)
}

/// What stands behind a password's `&`, or is no word, is more likely a piece of a password than a name.
fn unknown(name: &str, behind_password: bool, known: &[Parameter], accepted: &str) -> String {
    if behind_password || !is_word(name) {
        return format!("has a parameter with an unknown name (in a value, write & as %26); accepted are {accepted}");
    }
    let names = known.iter().flat_map(|parameter| parameter.names);
    match names.into_iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(right) => format!("has the unknown parameter {name}; write it {right}; accepted are {accepted}"),
        None => format!("has the unknown parameter {name}; accepted are {accepted}"),
    }
}

#[cfg(test)]
mod tests;
