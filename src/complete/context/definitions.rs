//! Which definitions of other files this one needs: those of the names that it uses and does not define, what the modules
//! offer that it uses as a whole, and the types that these in turn speak of. An import that names the file, nearness to the
//! cursor and frequent use count. All that fit come in brief before any comes at length.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{ContextRequest, Piece, PieceSource};
use crate::complete::TokenCount;
use crate::complete::window::first_lines_within;
use crate::syntax::{self, DefinitionKind};
use crate::workspace::{Imported, IndexedFile, Place, Resolver, Workspace};

/// Bytes of the document that are read for names, around the cursor.
const READ: usize = 400_000;

/// Bytes around the cursor in which a name counts more.
const NEAR: usize = 1_500;

/// Tokens of one definition at most, as a part of all: one that is longer gives its first lines.
const ONE: usize = 8;

/// Tokens that a definition needs at least. When less is left nothing more is looked for.
const SMALLEST: usize = 8;

/// Lines of a definition that say something by themselves, when it is not there whole.
const LEAST: usize = 4;

/// What a type counts that another definition speaks of, beside one that the file itself names.
const SECOND_HAND: f32 = 0.3;

/// How much more a name counts that is imported and not used yet: what is being written is likely to use it.
const UNUSED: f32 = 2.0;

/// How much more a type counts that one of the file's own is built on: its members are those of that.
const BASE: f32 = 2.0;

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
    /// As what a type is built on.
    base: bool,
}

impl Use {
    fn weight(&self) -> f32 {
        let nearness = if self.near { 3.0 } else { 1.0 };
        (1.0 + (self.count as f32).ln()) * nearness
    }
}

/// A name and where it is defined.
struct Candidate {
    name: String,
    places: Vec<Place>,
    weight: f32,
    form: Form,
}

/// How much of a definition is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All that others can use of it.
    Outline,
    /// What it is, without what is in it: one thing of many that a module offers.
    Head,
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
        expand(&mut taken, tokens / ONE, &mut left, self.count);
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
            used.base |= name.is_base;
        }
        let mut candidates = self.modules(&imported, &uses);
        for (name, used) in uses.into_iter().filter(|(name, _)| !own.contains(*name)) {
            let (places, by_import) = self.resolver.meant(name, path, language, &imported);
            // A member has the name of something else by chance, unless what it is a member of is a module.
            if places.is_empty() || !(used.alone || by_import) {
                continue;
            }
            let is_type = places.iter().any(|place| place.definition().kind == DefinitionKind::Type);
            let mut weight = used.weight();
            weight *= if by_import { 2.0 } else { 1.0 };
            weight *= if is_type { 2.0 } else { 1.0 };
            weight *= if by_import && used.count == 1 { UNUSED } else { 1.0 };
            weight *= if used.base { BASE } else { 1.0 };
            candidates.push(Candidate { name: name.to_owned(), places, weight, form: Form::Outline });
        }
        sort(&mut candidates);
        candidates
    }

    /// What the modules offer that the document uses as a whole: which of it comes next cannot be told from what it uses.
    fn modules(&self, imported: &[Imported], uses: &HashMap<&str, Use>) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for Imported { file, called, .. } in imported {
            let Some((called, used)) = called.as_deref().and_then(|name| uses.get_key_value(name)) else {
                continue;
            };
            let is_offered = |place: &Place| !place.definition().name.starts_with('_');
            let places = (0..file.definitions.len()).map(|index| Place { file: Arc::clone(file), index });
            let places: Vec<Place> = places.filter(is_offered).collect();
            let weight = used.weight() * 2.0 * if used.count == 1 { UNUSED } else { 1.0 };
            candidates.push(Candidate { name: (*called).to_owned(), places, weight, form: Form::Head });
        }
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
                        let name = name.text.to_owned();
                        candidates.push(Candidate { name, places, weight, form: Form::Outline });
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
        let (file, definition) = (&place.file, place.definition());
        let whole = match candidate.form {
            Form::Outline => format!("{}\n", syntax::brief(file.language, &definition.outline)),
            Form::Head => format!("{}\n", syntax::head(&definition.outline)),
        };
        let text = first_lines_within(&whole, most.min(*left), self.count);
        if text.lines().count() < whole.lines().count().min(LEAST) {
            return false;
        }
        let taken = taken.entry(file.path.clone()).or_insert_with(|| Taken::of(file));
        let known = taken.parts.iter().position(|part| part.line == definition.line);
        match known.map(|index| taken.parts[index].form) {
            Some(form) if form == candidate.form || form == Form::Outline => return true,
            _ => {}
        }
        let tokens = self.count.count(text);
        *left -= tokens.min(*left);
        let part = Part {
            line: definition.line,
            text: text.to_owned(),
            tokens,
            weight: candidate.weight,
            form: candidate.form,
            outline: (candidate.form == Form::Outline).then(|| format!("{}\n", definition.outline)),
        };
        match known {
            Some(index) => {
                let head = std::mem::replace(&mut taken.parts[index], part);
                *left += head.tokens;
            }
            None => taken.parts.push(part),
        }
        taken.weight += candidate.weight;
        if !taken.names.contains(&candidate.name) {
            taken.names.push(candidate.name.clone());
        }
        true
    }
}

/// Gives the weightiest definitions at length, as far as there is room.
fn expand(taken: &mut HashMap<PathBuf, Taken>, most: usize, left: &mut usize, count: &dyn TokenCount) {
    let mut parts: Vec<&mut Part> = taken.values_mut().flat_map(|taken| &mut taken.parts).collect();
    parts.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.text.cmp(&b.text)));
    for part in parts {
        let Some(outline) = part.outline.take().filter(|outline| *outline != part.text) else { continue };
        let tokens = count.count(&outline);
        if tokens <= most && tokens <= part.tokens + *left {
            *left = *left + part.tokens - tokens;
            part.text = outline;
        }
    }
}

/// What is taken of one file.
struct Taken {
    file: Arc<IndexedFile>,
    parts: Vec<Part>,
    names: Vec<String>,
    weight: f32,
}

/// One definition of them.
struct Part {
    line: usize,
    text: String,
    tokens: usize,
    weight: f32,
    form: Form,
    /// What may stand in its place where there is room.
    outline: Option<String>,
}

impl Taken {
    fn of(file: &Arc<IndexedFile>) -> Self {
        Self { file: Arc::clone(file), parts: Vec::new(), names: Vec::new(), weight: 0.0 }
    }

    fn into_piece(mut self, count: &dyn TokenCount) -> Piece {
        self.parts.sort_by_key(|part| part.line);
        let text: String = self.parts.into_iter().map(|part| part.text).collect();
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
