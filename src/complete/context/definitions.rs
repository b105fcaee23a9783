//! Which definitions of other files this one needs: those of the names that it uses and does not define, and the types
//! that these in turn speak of. An import that names the file, nearness to the cursor and frequent use count.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{ContextRequest, Piece, PieceSource};
use crate::complete::TokenCount;
use crate::complete::window::first_lines_within;
use crate::syntax::{self, DefinitionKind};
use crate::workspace::{IndexedFile, Place, Resolver, Workspace};

/// Bytes of the document that are read for names, around the cursor.
const READ: usize = 400_000;

/// Bytes around the cursor in which a name counts more.
const NEAR: usize = 1_500;

/// Tokens of one definition at most, as a part of all: one that is longer gives its first lines.
const ONE: usize = 3;

/// Tokens that a definition needs at least. When less is left nothing more is looked for.
const SMALLEST: usize = 8;

/// Lines of a definition that say something by themselves, when it is not there whole.
const LEAST: usize = 4;

/// What a type counts that another definition speaks of, beside one that the file itself names.
const SECOND_HAND: f32 = 0.3;

/// Finds the definitions for one document.
pub(super) struct Chooser<'a> {
    request: &'a ContextRequest<'a>,
    workspace: &'a Workspace,
    resolver: Resolver<'a>,
    count: &'a dyn TokenCount,
}

/// How a document uses a name.
#[derive(Default)]
struct Use {
    count: usize,
    near: bool,
    /// Not only as a member of something.
    alone: bool,
}

/// A name and where it is defined.
struct Candidate {
    name: String,
    places: Vec<Place>,
    weight: f32,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(
        request: &'a ContextRequest<'a>,
        workspace: &'a Workspace,
        count: &'a dyn TokenCount,
    ) -> Self {
        Self { request, workspace, resolver: Resolver::new(workspace), count }
    }

    /// Returns the pieces, and the names that they define with their weights.
    pub(super) fn choose(&self, tokens: usize) -> (Vec<Piece>, Vec<(String, f32)>) {
        let first = self.first_hand();
        let known: HashSet<String> = first.iter().map(|candidate| candidate.name.clone()).collect();
        let mut taken: HashMap<PathBuf, Taken> = HashMap::new();
        let mut left = tokens;
        let first = self.take_all(first, tokens / ONE, &mut left, &mut taken);
        let second = self.second_hand(&first, known);
        let second = self.take_all(second, tokens / ONE, &mut left, &mut taken);
        let names =
            first.into_iter().chain(second).map(|candidate| (candidate.name, candidate.weight)).collect();
        let mut files: Vec<Taken> = taken.into_values().collect();
        // What counts most stands nearest to the document.
        files.sort_by(|a, b| a.weight.total_cmp(&b.weight).then_with(|| a.file.shown.cmp(&b.file.shown)));
        (files.into_iter().map(|taken| taken.into_piece(self.count)).collect(), names)
    }

    /// Takes as many as fit and returns those that were taken.
    fn take_all(
        &self,
        candidates: Vec<Candidate>,
        most: usize,
        left: &mut usize,
        taken: &mut HashMap<PathBuf, Taken>,
    ) -> Vec<Candidate> {
        let mut kept = Vec::new();
        for candidate in candidates {
            if *left < SMALLEST {
                break;
            }
            let mut took = false;
            for place in &candidate.places {
                took |= self.take(place, &candidate, most, left, taken);
            }
            if took {
                kept.push(candidate);
            }
        }
        kept
    }

    /// The names that the document uses and somebody else defines, the weightiest first.
    fn first_hand(&self) -> Vec<Candidate> {
        let ContextRequest { snapshot, path, cursor, .. } = self.request;
        let language = snapshot.language();
        let from = cursor.map_or(0, |cursor| cursor.saturating_sub(READ / 2));
        let text = snapshot.slice(from..from.saturating_add(READ).min(snapshot.len()));
        let (own, imports) = syntax::definitions_and_imports(language, &text);
        let own: HashSet<String> = own.into_iter().map(|definition| definition.name).collect();
        let imported = self.resolver.imported(path, language, &imports);
        let mut uses: HashMap<&str, Use> = HashMap::new();
        for name in syntax::names(language, &text).into_iter().filter(|name| name.text.len() > 1) {
            let near = cursor.is_some_and(|cursor| (from + name.at).abs_diff(cursor) < NEAR);
            let used = uses.entry(name.text).or_default();
            used.count += 1;
            used.near |= near;
            used.alone |= !name.is_member;
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for (name, Use { count, near, alone }) in uses.into_iter().filter(|(name, _)| !own.contains(*name)) {
            let (places, by_import) = self.resolver.meant(name, path, language, &imported);
            // A member has the name of something else by chance, unless what it is a member of is a module.
            if places.is_empty() || !(alone || by_import) {
                continue;
            }
            let is_type = places.iter().any(|place| place.definition().kind == DefinitionKind::Type);
            let mut weight = 1.0 + (count as f32).ln();
            weight *= if by_import { 2.0 } else { 1.0 };
            weight *= if is_type { 2.0 } else { 1.0 };
            weight *= if near { 3.0 } else { 1.0 };
            candidates.push(Candidate { name: name.to_owned(), places, weight });
        }
        sort(&mut candidates);
        candidates
    }

    /// The types that the outlines of the first ones speak of.
    fn second_hand(&self, first: &[Candidate], mut known: HashSet<String>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for candidate in first {
            for place in
                candidate.places.iter().filter(|place| place.definition().kind != DefinitionKind::Value)
            {
                let file = &place.file;
                let outline = &place.definition().outline;
                let imported = self.resolver.imported(&file.path, file.language, &file.imports);
                for name in syntax::names(file.language, outline) {
                    if name.text.len() < 2 || !known.insert(name.text.to_owned()) {
                        continue;
                    }
                    let own = self.workspace.file(&file.path).into_iter();
                    let mut places: Vec<Place> = own.flat_map(|own| in_file(&own, name.text)).collect();
                    if places.is_empty() {
                        places = self.resolver.meant(name.text, &file.path, file.language, &imported).0;
                    }
                    places.retain(|place| place.file.path != self.request.path);
                    if places.iter().any(|place| place.definition().kind == DefinitionKind::Type) {
                        let weight = candidate.weight * SECOND_HAND;
                        candidates.push(Candidate { name: name.text.to_owned(), places, weight });
                    }
                }
            }
        }
        sort(&mut candidates);
        candidates
    }

    fn take(
        &self,
        place: &Place,
        candidate: &Candidate,
        most: usize,
        left: &mut usize,
        taken: &mut HashMap<PathBuf, Taken>,
    ) -> bool {
        let outline = format!("{}\n", place.definition().outline);
        let text = first_lines_within(&outline, most.min(*left), self.count);
        if text.lines().count() < outline.lines().count().min(LEAST) {
            return false;
        }
        let file = taken.entry(place.file.path.clone()).or_insert_with(|| Taken::of(&place.file));
        if file.parts.iter().any(|(line, _)| *line == place.definition().line) {
            return true;
        }
        *left -= self.count.count(text).min(*left);
        file.parts.push((place.definition().line, text.to_owned()));
        file.weight += candidate.weight;
        if !file.names.contains(&candidate.name) {
            file.names.push(candidate.name.clone());
        }
        true
    }
}

/// What is taken of one file.
struct Taken {
    file: Arc<IndexedFile>,
    parts: Vec<(usize, String)>,
    names: Vec<String>,
    weight: f32,
}

impl Taken {
    fn of(file: &Arc<IndexedFile>) -> Self {
        Self { file: Arc::clone(file), parts: Vec::new(), names: Vec::new(), weight: 0.0 }
    }

    fn into_piece(mut self, count: &dyn TokenCount) -> Piece {
        self.parts.sort_by_key(|(line, _)| *line);
        let text: String = self.parts.into_iter().map(|(_, text)| text).collect();
        let reason = format!("defines {}", self.names.join(", "));
        Piece::new(
            (self.file.shown.clone(), self.file.path.clone()),
            text,
            PieceSource::Definitions,
            reason,
            count,
        )
    }
}

fn in_file(file: &Arc<IndexedFile>, name: &str) -> Vec<Place> {
    let named = file.definitions.iter().enumerate().filter(|(_, definition)| definition.name == name);
    named.map(|(index, _)| Place { file: Arc::clone(file), index }).collect()
}

/// The weightiest first; the name decides between equals, so that the same document gets the same context.
fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
}
