//! The rules about secrets: each finds its examples and leaves its near misses alone. Secrets are put together here, so
//! that nothing in this file looks like one.

use infill_ls::secrets::{MASK, RULES, find, holds_secret, mask};

/// The examples of a rule, with `§` where a text is joined, and texts that it must not find anything in. The secret
/// itself stands between `«` and `»`.
const EXAMPLES: &[(&str, &[&str], &[&str])] = &[
    (
        "private key",
        &[
            "-----BEGIN RSA PRI§VATE KEY-----«\nMIIEpAIBAAKCAQEA7bq+Zk1n\nq8Yw/==\n»-----END RSA PRI§VATE KEY-----",
            "k = \"-----BEGIN PRI§VATE KEY-----«\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n»-----END PRI§VATE KEY-----\"",
            "-----BEGIN EC PRI§VATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B«\n\nMHcCAQEEIBx2nYk1JQ0d3\nabcdEFGH012345678»",
        ],
        &[
            "if text.contains(\"-----BEGIN RSA PRI§VATE KEY-----\") { refuse(); }",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\n-----END CERTIFICATE-----",
        ],
    ),
    (
        "end of a private key",
        &["«MIIEpAIBAAKCAQEA7bqZk1nq8Yw\nAbCdEf0123456789AbCdEf==\n»-----END RSA PRI§VATE KEY-----"],
        &["the text ends with\n-----END RSA PRI§VATE KEY-----"],
    ),
    ("Age", &["«AGE-SECRET-KEY-1§QYQSZQGPQYQSZQGPQYQSZQGPQYQ23»"], &["AGE-SECRET-KEY-1 is how they begin"]),
    (
        "Anthropic, OpenAI and their like",
        &[
            "client = Client('«sk-§Zq8vT3nR5xB1mK9wL2yJ7cDf»')",
            "«sk-ant-api03-§Zq8vT3nR5xB1mK9wL2yJ7cDf-AA»",
            "«sk-proj-§Zq8vT3nR5xB1mK9wL2_yJ7cDf»",
        ],
        &[
            "<div class=\"sk-folding-cube-container-wrapper\">",
            "task-1234567890123456789012345",
            "sk-learn-estimators-and-pipelines",
        ],
    ),
    (
        "AWS access key",
        &["aws_access_key_id = «AKIA§IOSFODNN7EXAMPLE»"],
        &["AKIAISTOOSHORT", "XAKIAIOSFODNN7EXAMPLEX"],
    ),
    ("Databricks", &["«dapi§0123456789abcdef0123456789abcdef»"], &["dapi_client_for_databricks_workspaces"]),
    ("DigitalOcean", &["«dop_v1_§0123456789abcdef0123456789abcdef0123456789abcdef»"], &["dop_v1_token"]),
    ("Docker Hub", &["«dckr_pat_§Ab1cD2eF3gH4iJ5kL6mN7oP8»"], &["dckr_pat_is_a_prefix_of_tokens"]),
    (
        "GitHub",
        &[
            "token: «ghp_§16C7e42F292c6912E7710c838347Ae178B4a»",
            "«gho_§16C7e42F292c6912E7710c838347Ae178B4a»",
        ],
        &["ghp_token_of_the_user_who_is_logged_in", "a_ghp_16"],
    ),
    (
        "GitHub, fine-grained",
        &["«github_pat_§11ABCDEFG0a1b2c3d4e5f6_g7h8i9j0»"],
        &["github_pat_for_the_release_workflow"],
    ),
    ("GitLab", &["«glpat-§a1B2c3D4e5F6g7H8i9J0»"], &["glpat-tokens-are-personal-access-tokens"]),
    ("Google API key", &["«AIza§SyD4f5G6h7J8k9L0q1W2e3R4t5Y6u7I8o9P»"], &["AIzaSy"]),
    (
        "Google OAuth",
        &["«GOCSPX-§a1B2c3D4e5F6g7H8i9J0k1L2»", "«ya29.§a0AfH6SMBx1y2z3A4B5C6D7E8F9»"],
        &["GOCSPX-"],
    ),
    (
        "Groq",
        &["«gsk_§a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8i9J0a1B2»"],
        &["gsk_buffer_pool_acquire_parameters_of_the_scene_graph_kit"],
    ),
    ("Hashicorp Vault", &["«hvs.§CAESIJ1a2B3c4D5e6F7g8H9i0J»"], &["hvs.example"]),
    (
        "Hugging Face",
        &["«hf_§aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV»"],
        &["hf_hub_download_with_the_default_revision"],
    ),
    ("Linear", &["«lin_api_§aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV»"], &["lin_api_client"]),
    (
        "npm",
        &["//registry.npmjs.org/:_authToken=«npm_§aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV»"],
        &["npm_config_registry_of_the_workspace_root"],
    ),
    (
        "PyPI",
        &["«pypi-§AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAw»"],
        &["pypi-publish-action-with-trusted-publishing-of-wheels"],
    ),
    ("SendGrid", &["«SG.§aB1cD2eF3gH4iJ5kL6mN7o.P8qR9sT0uVwX1yZ2aB3cD4eF5gH»"], &["SG.mail.client"]),
    ("Shopify", &["«shpat_§0123456789abcdef0123456789ABCDEF»"], &["shpat_"]),
    ("Slack", &["«xoxb-§123456789012-1234567890123-AbCdEfGhIjKl»"], &["xoxb-tokens-are-bot-tokens"]),
    (
        "Slack web hook",
        &["https://hooks.slack.com/services/«T0§0000000/B00000000/aB1cD2eF3gH4iJ5kL6mN7oP8»"],
        &["https://hooks.slack.com/services/"],
    ),
    (
        "Discord web hook",
        &["https://discord.com/api/webhooks/«123456789012345678/§aB1cD2eF3gH4iJ5kL6mN7oP8»"],
        &["https://discord.com/api/webhooks/{id}/{token}"],
    ),
    (
        "Stripe",
        &["«sk_live_§4eC39HqLyjWDarjtT1zdp7dc»", "«whsec_§4eC39HqLyjWDarjtT1zdp7dc»"],
        &["sk_live_or_sk_test_keys"],
    ),
    ("Telegram", &["«123456789:AA§HdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1»"], &["12345678:AA"]),
    ("Twilio", &["«SK§0123456789abcdef0123456789abcdef»"], &["SK0123456789"]),
    (
        "JSON web token",
        &["«eyJ§hbGciOiJIUzI1NiJ9.eyJ§zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N»"],
        &["eyJhbGciOiJIUzI1NiJ9 is a header"],
    ),
    (
        "authorization header",
        &["curl -H 'Authorization: Bearer «abc123§def456ghi789jkl»'", "Basic «dXNlcjpwYXNz§d29yZDEyMw==»"],
        &["Bearer authentication is required here", "basic understanding_of_things"],
    ),
    (
        "password in an address",
        &["postgres://app:«hunter2»@db.lan/prod", "https://bob:«s3cr§t!»@example.com/x"],
        &[
            "postgres://user:password@localhost/db",
            "https://example.com:8080/@scope",
            "redis://:{secret}@host",
            "http://a:${PASS}@b",
        ],
    ),
    (
        "key in an assignment",
        &[
            "api_key = \"«Zq8vT3nR5xB1mK9w»\"",
            "  \"clientSecret\": \"«Zq8vT3nR5xB1mK9w»\",",
            "const AUTH_TOKEN: &'static str = \"«Zq8vT3nR5xB1mK9w»\";",
            "authToken: string = '«Zq8vT3nR5xB1mK9w»'",
            "config['api_key'] = '«Zq8vT3nR5xB1mK9w»'",
        ],
        &[
            "token = \"identifier\"",
            "secret_name = \"production/database\"",
            "api_key = os.environ[\"API_KEY_2024_NEW\"]",
            "tokens = [\"if\", \"else\", \"while\"]",
            "token_type = \"application/x-www-form-urlencoded\"",
            "secret = 'config.section2.value3'",
        ],
    ),
    (
        "long key in an assignment",
        &["db_password = \"«x8Kq2mPz7LrT4vWn9sYd»\""],
        &["secret = \"averyverylongwordwithoutdigits\""],
    ),
    (
        "password in an assignment",
        &[
            "password = \"«hunter2»\"",
            "\"password\": \"«tr0ub4dor&3»\"",
            "PASSWORD: str = '«correcthorse»'",
            "login(user=\"bob\", passwd='«letmein»')",
            "String dbPassword = \"«qwertz»\";",
        ],
        &[
            "password = input('Password: ')",
            "<input type=\"password\" name=\"login\">",
            "password = \"changeme\"",
            "password = \"\"",
            "password = f\"{user.password}\"",
            "placeholder=\"Your password\" id=\"field\"",
            "password: \"\", // filled in later",
            "if password == 'password': refuse()",
        ],
    ),
    (
        "variable of an environment",
        &["export DB_PASSWORD=«hunter22x»", "GITHUB_TOKEN=«a1b2c3d4e5»\n", "ENV API_KEY=«a1b2c3d4e5»"],
        &["TOKEN=get_token(1, 22)", "SECRET_KEY=settings.SECRET", "MAX_TOKENS=4096", "export TOKEN=$OTHER12"],
    ),
    (
        "value in YAML",
        &["  password: «hunter22x»", "- api_key: «a1b2c3d4e5»\n"],
        &[
            "password: String,",
            "token: string;",
            "secret: my-secret-name",
            "token: Option<Token22>",
            "password: \"\"",
        ],
    ),
];

/// Returns an example as it is, and its secrets.
fn read(example: &str) -> (String, Vec<String>) {
    let example = example.replace('§', "");
    let secrets = example.split('«').skip(1).map(|rest| rest.split('»').next().unwrap().to_owned()).collect();
    (example.replace(['«', '»'], ""), secrets)
}

#[test]
fn every_rule_has_examples_and_near_misses() {
    let rules: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    let examples: Vec<&str> = EXAMPLES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(rules, examples);
    assert!(EXAMPLES.iter().all(|(_, found, missed)| !found.is_empty() && !missed.is_empty()));
}

#[test]
fn every_rule_finds_its_examples_and_nothing_else_in_them() {
    for (name, examples, _) in EXAMPLES {
        for example in *examples {
            let (text, secrets) = read(example);
            let found: Vec<&str> = find(&text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, secrets, "{name}: {text}");
        }
    }
}

#[test]
fn near_misses_are_left_alone() {
    for (name, _, misses) in EXAMPLES {
        for miss in *misses {
            let (text, _) = read(miss);
            let found: Vec<&str> = find(&text).into_iter().map(|range| &text[range]).collect();
            assert!(found.is_empty(), "{name}: {found:?} in {text}");
        }
    }
}

/// A false alarm costs the model a word of the prompt, so that there must be next to none in code as it is.
#[test]
fn our_own_source_has_next_to_no_secrets() {
    fn files(dir: &std::path::Path, all: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files(&path, all),
                false => all.push(path),
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("src"), &mut all);
    let mut alarms = Vec::new();
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        let found = find(&text).into_iter().map(|range| format!("{}: {}", path.display(), &text[range]));
        alarms.extend(found);
    }
    assert!(alarms.is_empty(), "{alarms:#?}");
}

#[test]
fn a_secret_over_a_border_is_masked_on_both_sides() {
    let token = format!("gh{}", "p_16C7e42F292c6912E7710c838347Ae178B4a");
    let (mut before, mut after) = (format!("x = '{}", &token[..9]), format!("{}'\ny = 1\n", &token[9..]));
    let mut between = String::new();
    assert_eq!(mask(&mut [&mut before, &mut between, &mut after]), 1);
    assert_eq!(
        (before, between, after),
        (format!("x = '{MASK}"), String::new(), format!("{MASK}'\ny = 1\n"))
    );
}

#[test]
fn several_secrets_of_a_text_are_masked_and_the_rest_stays() {
    let key = "Zq8vT3nR5xB1mK9w";
    let mut text = format!("a = 1\napi_key = \"{key}\"\nb = 2\npassword = 'hunter2'\nc = 3\n");
    assert_eq!(mask(&mut [&mut text]), 2);
    assert_eq!(text, format!("a = 1\napi_key = \"{MASK}\"\nb = 2\npassword = '{MASK}'\nc = 3\n"));
}

#[test]
fn secrets_in_letters_beyond_ascii_are_masked_whole() {
    let mut text = "password = 'pässwört—geheim9'\nurl = 'ftp://jörg:größe42ß@host/'\n".to_owned();
    assert_eq!(mask(&mut [&mut text]), 2);
    assert_eq!(text, format!("password = '{MASK}'\nurl = 'ftp://jörg:{MASK}@host/'\n"));
}

#[test]
fn secrets_of_any_length_are_masked() {
    let long = "Zq8vT3nR5xB1mK9w".repeat(40);
    for text in [
        format!("Authorization: Bearer {long}"),
        format!("{}{long}", "pypi-"),
        format!("signing_key = \"{long}\""),
        format!("export DB_PASSWORD={long}"),
    ] {
        let mut masked = text.clone();
        assert_eq!(mask(&mut [&mut masked]), 1, "{text}");
        assert!(!masked.contains("Zq8v"), "{masked}");
    }
}

#[test]
fn what_keeps_a_file_from_being_read_is_beyond_doubt() {
    assert!(holds_secret(&format!(
        "KEY = '-----BEGIN {} KEY-----\\nMIIEpAIBAAKCAQEA7bqZk1nq8Yw'",
        "PRIVATE"
    )));
    assert!(!holds_secret("password = 'hunter2'"));
    assert!(!holds_secret("api_key = \"Zq8vT3nR5xB1mK9w\""));
}
