//! How a connection to MariaDB or MySQL is secured.

use certferry_connection::{Security, Verified};
use sqlx::mysql::MySqlSslMode;
use sqlx::{MySqlConnection, Row};

/// As this session's own status has it; TLS that was asked for but not had shows there too.
pub(super) async fn of(connection: &mut MySqlConnection, mode: MySqlSslMode) -> Result<Security, sqlx::Error> {
    let (mode, verified) = match mode {
        MySqlSslMode::Disabled => ("DISABLED", Verified::Nothing),
        MySqlSslMode::Preferred => ("PREFERRED", Verified::Nothing),
        MySqlSslMode::Required => ("REQUIRED", Verified::Nothing),
        MySqlSslMode::VerifyCa => ("VERIFY_CA", Verified::Authority),
        MySqlSslMode::VerifyIdentity => ("VERIFY_IDENTITY", Verified::AuthorityAndName),
    };
    let (mut cipher, mut protocol) = (None, None);
    for row in sqlx::raw_sql("SHOW SESSION STATUS LIKE 'Ssl_%'").fetch_all(connection).await? {
        let text = |at: usize| {
            let bytes = row.try_get_unchecked::<&[u8], _>(at).unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        match text(0).to_ascii_lowercase().as_str() {
            "ssl_cipher" => cipher = Some(text(1)),
            "ssl_version" => protocol = Some(text(1)).filter(|version| !version.is_empty()),
            _ => {}
        }
    }
    Ok(Security { mode, encrypted: cipher.map(|cipher| !cipher.is_empty()), protocol, verified })
}
