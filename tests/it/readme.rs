//! The README's table of settings is the one that the program knows.

#[test]
fn the_settings_in_the_readme_are_the_settings() {
    let readme = include_str!("../../README.md");
    let table =
        readme.split_once("<!-- settings -->\n").and_then(|(_, rest)| rest.split_once("<!-- /settings -->"));
    let expected = infill_ls::config::documentation();
    let (table, _) = table.expect("the README has no place for the settings");
    assert_eq!(table, expected, "put this between the marks of the README:\n{expected}");
}
