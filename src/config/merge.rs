//! Taking over what an editor sends: every good value counts, every bad one is reported by its full name.

use std::fmt;

use serde_json::{Map, Value};

use super::{Settings, keys};

/// A value that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no such setting.
    #[error("unknown setting `{name}`{}", Suggestion(.name))]
    Unknown {
        /// The full name.
        name: String,
    },
    /// The value cannot be used.
    #[error("setting `{name}` must be {expects}, not {found}; its value is left as it was")]
    Wrong {
        /// The full name.
        name: String,
        /// What it may be.
        expects: String,
        /// What was sent.
        found: String,
    },
}

impl Settings {
    /// Takes over the values in `json` and returns what could not be taken over.
    ///
    /// The settings may lie at the top or under the key `infill-ls` or `infill_ls`, as editors' configurations have it.
    pub fn merge(&mut self, json: &Value) -> Vec<Problem> {
        let json = ["infill-ls", "infill_ls"].iter().find_map(|section| json.get(section)).unwrap_or(json);
        let mut problems = Vec::new();
        match json {
            Value::Null => {}
            // Lua has one empty table for both; Neovim sends it as a list.
            Value::Array(list) if list.is_empty() => {}
            Value::Object(object) => self.merge_object(&[], object, &mut problems),
            other => problems.push(Problem::Wrong {
                name: "infill-ls".into(),
                expects: "an object".into(),
                found: other.to_string(),
            }),
        }
        problems
    }

    fn merge_object(&mut self, path: &[&str], object: &Map<String, Value>, problems: &mut Vec<Problem>) {
        for (key, value) in object {
            // `{"prompt.prefix_tokens": 5}` is what a flat configuration, such as VS Code's, makes of nested settings.
            let path: Vec<&str> = path.iter().copied().chain(key.split('.')).collect();
            if let Err(problem) = self.merge_value(&path, value, problems) {
                problems.push(problem);
            }
        }
    }

    fn merge_value(
        &mut self,
        path: &[&str],
        value: &Value,
        problems: &mut Vec<Problem>,
    ) -> Result<(), Problem> {
        let name = path.join(".");
        let mut whole = serde_json::to_value(&*self).unwrap_or_default();
        let Some(place) = path.iter().try_fold(&mut whole, |at, key| at.get_mut(*key)) else {
            return Err(Problem::Unknown { name });
        };
        if let (Value::Object(_), Value::Object(object)) = (&*place, value) {
            self.merge_object(path, object, problems);
            return Ok(());
        }
        if place.is_object() {
            let empty = value.as_array().is_some_and(Vec::is_empty);
            // serde would take a list for an object, its values in the order of the fields.
            return if empty { Ok(()) } else { Err(Problem::wrong(name, value)) };
        }
        *place = value.clone();
        *self = serde_json::from_value(whole).map_err(|_| Problem::wrong(name, value))?;
        Ok(())
    }
}

impl Problem {
    fn wrong(name: String, value: &Value) -> Self {
        let expects = keys().iter().find(|key| key.name == name);
        Self::Wrong {
            expects: expects.map_or("an object", |key| key.expects).into(),
            found: value.to_string(),
            name,
        }
    }
}

/// "; did you mean …?" where a setting's last part is as it was written, or near it.
struct Suggestion<'a>(&'a str);

impl fmt::Display for Suggestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
        let last = |name: &str| plain(name.rsplit('.').next().unwrap_or(name));
        let wanted = last(self.0);
        match keys().iter().find(|key| last(key.name) == wanted) {
            Some(key) => write!(f, "; did you mean `{}`?", key.name),
            None => write!(f, "; `infill-ls --help` names the settings"),
        }
    }
}
