//! The VS Code extension's manifest is in step with the server: every setting is there with the server's words, default
//! and bounds, and nothing else is sent.

use infill_ls::config::{Settings, keys};
use serde_json::{Value, json};

/// VS Code shows ghost text, so our item in its completion menu would say the same twice.
const OTHER_DEFAULTS: &[(&str, Value, &str)] =
    &[("items.enabled", Value::Bool(false), " Off here, since VS Code shows ghost text.")];

/// What starting the server needs to know; the server is not told.
const OWN: &[&str] = &["infill-ls.server.path", "infill-ls.server.environment"];

fn manifest() -> Value {
    serde_json::from_str(include_str!("../../editors/vscode/package.json")).unwrap()
}

/// Returns what the manifest has to say about values that are described by these words.
fn schema(expects: &str) -> Value {
    match expects {
        "true or false" => json!({ "type": "boolean" }),
        "a positive whole number" => json!({ "type": "integer", "minimum": 1 }),
        "a positive whole number or null" => json!({ "type": ["integer", "null"], "minimum": 1 }),
        "a whole number" => json!({ "type": "integer", "minimum": 0 }),
        "a string or null" => json!({ "type": ["string", "null"] }),
        "a list of strings" => json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true }),
        words if words.starts_with("a number from ") => {
            let bounds: Vec<i64> = words.split(' ').filter_map(|word| word.parse().ok()).collect();
            json!({ "type": "number", "minimum": bounds[0], "maximum": bounds[1] })
        }
        words if words.starts_with('"') => {
            let values: Vec<&str> = words.split('"').skip(1).step_by(2).collect();
            json!({ "type": "string", "enum": values })
        }
        words => panic!("teach this test what VS Code's settings make of {words:?}"),
    }
}

#[test]
fn the_settings_of_the_extension_are_the_settings() {
    let manifest = manifest();
    let mut properties = manifest["contributes"]["configuration"]["properties"].as_object().unwrap().clone();
    for own in OWN {
        assert!(properties.remove(*own).is_some(), "{own} is missing");
    }
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    let mut expected = serde_json::Map::new();
    for key in keys() {
        let mut property = schema(key.expects);
        let other = OTHER_DEFAULTS.iter().find(|(name, ..)| *name == key.name);
        let pointer = format!("/{}", key.name.replace('.', "/"));
        property["default"] =
            other.map_or_else(|| defaults.pointer(&pointer).unwrap().clone(), |o| o.1.clone());
        property["markdownDescription"] = format!("{}{}", key.about, other.map_or("", |o| o.2)).into();
        expected.insert(format!("infill-ls.{}", key.name), property);
    }
    for (name, property) in &mut properties {
        let property = property.as_object_mut().unwrap();
        assert!(property.remove("order").is_some(), "{name} has no place in the order");
        property.remove("scope");
        // JSON has one kind of number, and Prettier writes the shorter one.
        if let Some(Value::Number(number)) = property.get("default") {
            let as_float = number.as_f64().unwrap();
            if expected.get(name).is_some_and(|expected| expected["default"].is_f64()) {
                property.insert("default".into(), json!(as_float));
            }
        }
    }
    let pretty = |value| serde_json::to_string_pretty(&value).unwrap();
    let (properties, expected) = (Value::Object(properties), Value::Object(expected));
    assert_eq!(pretty(&properties), pretty(&expected), "run `npm run settings` in editors/vscode");
}

#[test]
fn the_extension_has_the_version_of_the_server() {
    assert_eq!(manifest()["version"], env!("CARGO_PKG_VERSION"));
}
