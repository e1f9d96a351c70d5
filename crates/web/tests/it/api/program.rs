//! Programs with keys of their own (SMART Backend Services). Their proofs are put together and signed here
//! by hand, so that another reading of the standards than the program's own library makes them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA384};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Role;
use testkit::{DATA, servers};

use super::{Api, NEW, connection, end_path, is_outcome, json};
use crate::browser::{Page, encoded};

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[allow(clippy::disallowed_methods, reason = "the program's own randomness, on the other side of the wire")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

/// What a program signs with.
enum Signer {
    Es384(EcdsaKeyPair),
    Rs384(RsaKeyPair),
}

impl Signer {
    fn es384() -> Self {
        Self::Es384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    fn rs384() -> Self {
        Self::Rs384(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es384(_) => "ES384",
            Self::Rs384(_) => "RS384",
        }
    }

    /// Its public half, as it is pasted.
    fn jwk(&self) -> Value {
        match self {
            Self::Es384(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(48);
                json!({ "kty": "EC", "crv": "P-384", "kid": "one", "alg": "ES384", "use": "sig", "x": text(x), "y": text(y) })
            }
            Self::Rs384(key) => {
                let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": "one", "n": text(n), "e": text(e) })
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es384(key) => key.sign(&random(), message).unwrap().as_ref().to_vec(),
            Self::Rs384(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA384, &random(), message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A program that was let in with keys of its own.
struct Program {
    id: String,
    address: String,
    signer: Signer,
}

impl Program {
    /// Lets one in, on the page.
    async fn let_in(api: &Api, signer: Signer, permission: &str) -> Self {
        let owner = api.somebody(Role::Owner).await;
        let keys = json!({ "keys": [signer.jwk()] }).to_string();
        let mut fields = connection("Figures", permission);
        (fields[3], fields[4]) = (("proves", "own-keys"), ("keys", keys.as_str()));
        let made = owner.fill(NEW, NEW, &fields).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        assert!(!made.body.contains("vouchsafe_key_"), "it has keys of its own");
        let shown = |label: &str| {
            let (_, after) = made.body.split_once(label).unwrap();
            after.split("secret--link\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
        };
        Self { id: shown("connection’s id"), address: shown("Where it proves itself"), signer }
    }

    fn claims(&self, api: &Api, id: &str) -> Value {
        let now = api.site.house.store.clock().now().as_second();
        json!({ "iss": self.id, "sub": self.id, "aud": self.address, "exp": now + 240, "jti": id })
    }

    fn header(&self) -> Value {
        json!({ "alg": self.signer.algorithm(), "typ": "JWT", "kid": "one" })
    }

    fn proof_of(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        format!("{message}.{}", text(self.signer.sign(message.as_bytes())))
    }

    fn proof(&self, api: &Api, id: &str) -> String {
        self.proof_of(&self.header(), &self.claims(api, id))
    }

    async fn send(&self, api: &Api, proof: &str, scope: &str) -> Page {
        send(api, &self.address, &fields(proof, scope)).await
    }
}

fn fields<'a>(proof: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", proof),
        ("scope", scope),
    ]
}

async fn send(api: &Api, address: &str, fields: &[(&str, &str)]) -> Page {
    let browser = api.site.browser_elsewhere();
    let path = address.strip_prefix(&api.site.origin()).unwrap();
    let request = browser.ask(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    browser.answer(request.body(encoded(fields))).await
}

fn is_refused(page: &Page, error: &str) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    assert_eq!((page.header("cache-control"), page.header("pragma")), ("no-store", "no-cache"));
    assert_eq!(json(page)["error"], error, "{}", page.body);
}

#[tokio::test]
async fn a_program_with_keys_of_its_own_finds_the_way_proves_itself_and_is_let_in_for_minutes() {
    let api = Api::open().await;
    for signer in [Signer::es384(), Signer::rs384()] {
        let program = Program::let_in(&api, signer, "patients").await;
        let browser = api.site.browser();
        let way = browser.open(&format!("{}/.well-known/smart-configuration", api.base())).await;
        assert_eq!(json(&way)["token_endpoint"], program.address.as_str());
        let given = program.send(&api, &program.proof(&api, "first"), "system/*.read").await;
        assert_eq!(given.status, StatusCode::OK, "{}", given.body);
        assert_eq!((given.header("cache-control"), given.header("pragma")), ("no-store", "no-cache"));
        let told = json(&given);
        assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("bearer"), &json!(300)));
        assert_eq!(told["scope"], "system/Patient.rs system/RelatedPerson.rs", "no more than the connection has");
        let pass = told["access_token"].as_str().unwrap();
        assert!(pass.starts_with("vouchsafe_pass_"));
        assert_eq!(api.get(&api.of("patient"), pass).await.status, StatusCode::OK);
        assert_eq!(api.get(&api.of("conditions"), pass).await.status, StatusCode::FORBIDDEN);
        api.site.house.wait(SignedDuration::from_mins(5));
        is_outcome(&api.get(&api.of("patient"), pass).await, StatusCode::UNAUTHORIZED, "login");
    }
}

#[tokio::test]
async fn a_pass_is_no_wider_than_was_asked_and_ends_with_its_connection() {
    let api = Api::open().await;
    let program = Program::let_in(&api, Signer::es384(), "everything").await;
    let given = json(&program.send(&api, &program.proof(&api, "a"), "system/Condition.rs").await);
    let pass = given["access_token"].as_str().unwrap();
    assert_eq!(api.get(&api.of("conditions"), pass).await.status, StatusCode::OK);
    assert_eq!(api.get(&api.of("patient"), pass).await.status, StatusCode::FORBIDDEN);
    is_refused(&program.send(&api, &program.proof(&api, "b"), "system/Patient.cu").await, "invalid_scope");
    is_refused(&program.send(&api, &program.proof(&api, "c"), "launch/patient").await, "invalid_scope");
    let more = "launch/patient system/Claim.read system/Condition.rs";
    let given = json(&program.send(&api, &program.proof(&api, "d"), more).await);
    assert_eq!(given["scope"], "system/Condition.rs", "what there is of what was asked for");
    let owner = api.somebody(Role::Owner).await;
    let path = end_path(&owner).await;
    owner.fill(&path, &path, &[]).await.leads_to("/team/connections?done=disconnected");
    is_outcome(&api.get(&api.of("conditions"), pass).await, StatusCode::UNAUTHORIZED, "login");
    is_refused(&program.send(&api, &program.proof(&api, "d"), "system/*.rs").await, "invalid_client");
    let log = owner.open("/audit").await;
    assert!(log.body.contains("A program proved itself") && log.body.contains("Figures"));
}

#[tokio::test]
async fn a_proof_is_good_once_also_when_it_is_sent_twice_at_the_same_moment() {
    let api = Api::open().await;
    let program = Program::let_in(&api, Signer::es384(), "patients").await;
    let proof = program.proof(&api, "once");
    let (one, two) =
        tokio::join!(program.send(&api, &proof, "system/Patient.rs"), program.send(&api, &proof, "system/Patient.rs"));
    let given = [&one, &two].iter().filter(|page| page.status == StatusCode::OK).count();
    assert_eq!(given, 1, "{} {}", one.body, two.body);
    is_refused(&program.send(&api, &proof, "system/Patient.rs").await, "invalid_client");
    let client = servers().await.superuser(DATA).await;
    let sql = "select count(*) from audit_event where practice_id = $1 and action = 'client.pass-refused'";
    let refused: i64 = client.query_one(sql, &[&api.practice.uuid()]).await.unwrap().get(0);
    assert_eq!(refused, 2, "each refusal is in the practice's log");
}

/// Proofs that are wrong in one way each, made at this moment.
fn wrong_proofs(api: &Api, program: &Program, another: &Program) -> Vec<(&'static str, String)> {
    let now = api.site.house.store.clock().now().as_second();
    let with = |name: &str, value: Value| {
        let mut claims = program.claims(api, "x");
        claims[name] = value;
        program.proof_of(&program.header(), &claims)
    };
    let without = |name: &str| {
        let mut claims = program.claims(api, "x");
        claims.as_object_mut().unwrap().remove(name);
        program.proof_of(&program.header(), &claims)
    };
    let with_in_head = |name: &str, value: Value| {
        let mut header = program.header();
        header[name] = value;
        program.proof_of(&header, &program.claims(api, "x"))
    };
    let unsigned = |algorithm: &str, signature: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut header = program.header();
        header["alg"] = json!(algorithm);
        let message = format!("{}.{}", text(header.to_string()), text(program.claims(api, "x").to_string()));
        format!("{message}.{}", text(signature(message.as_bytes())))
    };
    // The public key as if it were a shared secret: every form in which it could be had.
    let jwk = program.signer.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let secrets: [Vec<u8>; 3] =
        [modulus, jwk.to_string().into_bytes(), json!({ "keys": [jwk] }).to_string().into_bytes()];
    let hmac = |secret: &[u8], message: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    };
    let mut wrong = vec![
        ("another's key", another.proof_of(&program.header(), &program.claims(api, "x"))),
        ("another's name", with("sub", json!(another.id))),
        ("another's name twice", {
            let mut claims = another.claims(api, "x");
            claims["aud"] = json!(program.address);
            program.proof_of(&program.header(), &claims)
        }),
        ("a made-up name", with("iss", json!("somebody"))),
        ("another address", with("aud", json!(program.address.replace("/auth/token", "")))),
        ("a slash too many", with("aud", json!(format!("{}/", program.address)))),
        ("several addresses", with("aud", json!([program.address, "https://elsewhere.example"]))),
        ("no address", without("aud")),
        ("too long", with("exp", json!(now + 331))),
        ("over", with("exp", json!(now))),
        ("without end", without("exp")),
        ("not yet", with("nbf", json!(now + 60))),
        ("without an id", without("jti")),
        ("an empty id", with("jti", json!(""))),
        ("an unknown key", with_in_head("kid", json!("two"))),
        ("another algorithm's name", with_in_head("alg", json!("RS256"))),
        ("something critical", with_in_head("crit", json!(["b64"]))),
        ("no signature", unsigned("none", &|_| Vec::new())),
        ("no signature under a good name", unsigned("RS384", &|_| Vec::new())),
        ("no token", "x".to_owned()),
        ("dots", "..".to_owned()),
    ];
    for secret in &secrets {
        wrong.push(("the public key as a secret", unsigned("HS256", &|message| hmac(secret, message))));
    }
    wrong
}

#[tokio::test]
async fn whatever_is_wrong_with_a_proof_it_is_refused_alike() {
    let api = Api::open().await;
    let program = Program::let_in(&api, Signer::rs384(), "patients").await;
    let another = Program::let_in(&api, Signer::rs384(), "patients").await;
    let mut first = None;
    for place in 0..wrong_proofs(&api, &program, &another).len() {
        // Guesses at one program are counted; here each is to be looked at.
        api.site.house.wait(SignedDuration::from_hours(24));
        let (what, proof) = wrong_proofs(&api, &program, &another).swap_remove(place);
        let answer = program.send(&api, &proof, "system/Patient.rs").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {}", answer.body);
        is_refused(&answer, "invalid_client");
        assert_eq!(&answer.body, first.get_or_insert(answer.body.clone()), "{what}");
    }
    let good = program.send(&api, &program.proof(&api, "x"), "system/Patient.rs").await;
    assert_eq!(good.status, StatusCode::OK, "and the right one is taken: {}", good.body);
}

#[tokio::test]
async fn a_proof_of_one_practice_is_none_in_another() {
    let (api, other) = (Api::open().await, Api::open().await);
    let program = Program::let_in(&api, Signer::es384(), "patients").await;
    let there = program.address.replace(&api.practice.to_string(), &other.practice.to_string());
    let mut claims = program.claims(&api, "x");
    claims["aud"] = json!(there);
    let proof = program.proof_of(&program.header(), &claims);
    is_refused(&send(&api, &there, &fields(&proof, "system/Patient.rs")).await, "invalid_client");
    let nowhere = program.address.replace(&api.practice.to_string(), "no-such-practice");
    is_refused(&send(&api, &nowhere, &fields(&proof, "system/Patient.rs")).await, "invalid_client");
}

#[tokio::test]
async fn a_request_without_the_form_of_one_is_told_what_to_send() {
    let api = Api::open().await;
    let program = Program::let_in(&api, Signer::es384(), "patients").await;
    let proof = program.proof(&api, "x");
    let good = fields(&proof, "system/Patient.rs");
    for (place, value, error) in [
        (0, "password", "unsupported_grant_type"),
        (0, "", "unsupported_grant_type"),
        (1, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "invalid_request"),
    ] {
        let mut changed = good.clone();
        changed[place].1 = value;
        is_refused(&send(&api, &program.address, &changed).await, error);
    }
    for place in 0..3 {
        let mut fewer = good.clone();
        fewer.remove(place);
        is_refused(&send(&api, &program.address, &fewer).await, "invalid_request");
        let mut twice = good.clone();
        twice.push(good[place]);
        is_refused(&send(&api, &program.address, &twice).await, "invalid_request");
    }
    let long = "x".repeat(9_000);
    is_refused(&send(&api, &program.address, &fields(&long, "system/Patient.rs")).await, "invalid_request");
    assert_eq!(send(&api, &program.address, &good).await.status, StatusCode::OK, "none of these used the proof up");
}

#[tokio::test]
async fn guessing_at_one_program_is_slowed_down_and_a_success_gives_it_back() {
    let api = Api::open().await;
    let program = Program::let_in(&api, Signer::es384(), "patients").await;
    let forged = |id: &str| {
        let mut claims = program.claims(&api, id);
        claims["aud"] = json!("https://elsewhere.example");
        program.proof_of(&program.header(), &claims)
    };
    for _ in 0..5 {
        is_refused(&program.send(&api, &forged("x"), "system/Patient.rs").await, "invalid_client");
    }
    let early = program.send(&api, &program.proof(&api, "y"), "system/Patient.rs").await;
    assert_eq!(early.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(early.header("retry-after").parse::<u32>().unwrap() >= 1);
    api.site.house.wait(SignedDuration::from_secs(5));
    let given = program.send(&api, &program.proof(&api, "z"), "system/Patient.rs").await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.body);
    let given = program.send(&api, &program.proof(&api, "zz"), "system/Patient.rs").await;
    assert_eq!(given.status, StatusCode::OK, "the count was given back");
}
