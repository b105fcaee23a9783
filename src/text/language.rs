//! The languages that documents are in: names, comment markers and how a language is told from an id or a file name.
//! A row here makes no promise of a grammar; which languages are parsed is `syntax`'s matter.

mod table;

use std::path::Path;

use table::LANGUAGES;

/// A language, as a small handle into the table of those known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(u8);

/// A row of the table.
struct Entry {
    /// The protocol's language identifier.
    id: &'static str,
    /// What a person calls it.
    name: &'static str,
    /// Other identifiers that editors send, such as Neovim's file types.
    aliases: &'static [&'static str],
    /// Extensions without the dot, and whole file names, in lower case.
    files: &'static [&'static str],
    line_comment: Option<&'static str>,
    block_comment: Option<(&'static str, &'static str)>,
}

impl Language {
    /// A text of which nothing is known.
    pub const PLAIN: Language = Language(0);

    /// Returns the language that a client means; [`Self::PLAIN`] for one that is not known.
    pub fn from_id(lsp_language_id: &str) -> Self {
        let wanted = lsp_language_id.trim();
        Self::find(|entry| {
            let mut names = entry.aliases.iter().chain(std::iter::once(&entry.id));
            names.any(|name| name.eq_ignore_ascii_case(wanted))
        })
    }

    /// Returns the language of a file by its name or extension; [`Self::PLAIN`] where neither is known.
    pub fn from_path(path: &Path) -> Self {
        let lower = |part: &std::ffi::OsStr| part.to_string_lossy().to_ascii_lowercase();
        let by_name = path.file_name().map_or(Self::PLAIN, |name| Self::from_file(&lower(name)));
        if by_name != Self::PLAIN {
            return by_name;
        }
        path.extension().map_or(Self::PLAIN, |extension| Self::from_file(&lower(extension)))
    }

    /// Returns the protocol's identifier, such as `typescriptreact`.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// Returns the name for people and models, such as `TypeScript JSX`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Returns the usual extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        self.entry().files.first().copied().unwrap_or("txt")
    }

    /// Returns what begins a comment that ends with its line.
    pub fn line_comment(self) -> Option<&'static str> {
        self.entry().line_comment
    }

    /// Returns what begins and what ends a comment of any length.
    pub fn block_comment(self) -> Option<(&'static str, &'static str)> {
        self.entry().block_comment
    }

    fn from_file(name_or_extension: &str) -> Self {
        Self::find(|entry| entry.files.contains(&name_or_extension))
    }

    fn find(matches: impl Fn(&Entry) -> bool) -> Self {
        let row = LANGUAGES.iter().position(matches).unwrap_or(0);
        u8::try_from(row).map_or(Self::PLAIN, Language)
    }

    fn entry(self) -> &'static Entry {
        &LANGUAGES[usize::from(self.0)]
    }
}
