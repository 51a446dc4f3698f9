/// Who runs this process: the user's name at the machine's, as far as the system says.
#[must_use]
pub fn operator() -> String {
    let user = whoami::username().unwrap_or_else(|_| "somebody".to_owned());
    whoami::hostname().map_or_else(|_| user.clone(), |host| format!("{user}@{host}"))
}
