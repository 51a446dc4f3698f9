use crate::{Code, Kind, WarningCode};

/// The page of `docs/codes` about a code: what it means, why it happens and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePage {
    code: &'static str,
    text: &'static str,
}

impl CodePage {
    pub(crate) const fn new(code: &'static str, text: &'static str) -> Self {
        Self { code, text }
    }

    /// The page of every code and then of every warning, in their orders.
    pub fn all() -> impl Iterator<Item = Self> {
        let codes = Code::ALL.iter().map(|code| code.page());
        codes.chain(WarningCode::ALL.iter().map(|code| code.page()))
    }

    /// The page of a code or warning as it is stored; none if another version of Certferry wrote it.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::all().find(|page| page.code == code)
    }

    /// The code or warning as it is stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// The kind of the code; none for a warning.
    #[must_use]
    pub fn kind(self) -> Option<Kind> {
        self.issue_code().map(Code::kind)
    }

    /// Whether trying again without a change is pointless, as it is for a certificate that was migrated with a warning.
    #[must_use]
    pub fn is_permanent(self) -> bool {
        self.issue_code().is_none_or(Code::is_permanent)
    }

    /// The whole page, as Markdown.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.text
    }

    /// What the code says of a certificate.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.section("What it means")
    }

    /// The first paragraph of the meaning, in one line.
    #[must_use]
    pub fn summary(self) -> String {
        first_paragraph(self.meaning())
    }

    /// What leads to the code.
    #[must_use]
    pub fn causes(self) -> &'static str {
        self.section("Why it happens")
    }

    /// What to do: in one sentence, and then step by step.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.section("What to do")
    }

    /// Legacy values, and the messages they lead to.
    #[must_use]
    pub fn example(self) -> &'static str {
        self.section("Example")
    }

    fn issue_code(self) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == self.code)
    }

    /// The text between a heading and the next one; empty if the page lacks it, which a test forbids.
    fn section(self, heading: &str) -> &'static str {
        let mut sections = self.text.split("\n## ");
        let text = sections.find_map(|section| section.strip_prefix(heading)?.strip_prefix('\n'));
        text.map_or("", |text| text.trim_matches('\n'))
    }
}

/// The text before the first empty line, in one line.
pub(crate) fn first_paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    lines.join(" ")
}
