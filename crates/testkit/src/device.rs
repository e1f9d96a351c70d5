//! A device that makes passkeys and shows them (an authenticator of WebAuthn Level 3, and the browser before it), with
//! somebody always in front of it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Somebody was there.
const PRESENT: u8 = 0x01;
/// It was found out who.
const VERIFIED: u8 = 0x04;
/// A new public key comes with it.
const ATTESTED: u8 = 0x40;

/// A device, as it stands at an address.
pub struct Device {
    /// The address in the browser, which the browser tells whoever reads the answer.
    pub origin: String,
    /// Whether it finds out who is there (by a finger, a face, a number).
    pub verifies: bool,
    /// How often it has signed; it says so each time.
    pub count: u32,
    held: Vec<Held>,
}

struct Held {
    id: Vec<u8>,
    pair: EcdsaKeyPair,
    user: Vec<u8>,
    party: String,
}

impl Device {
    /// A device without passkeys, whose browser is at an address.
    #[must_use]
    pub fn at(origin: &str) -> Self {
        Self { origin: origin.to_owned(), verifies: true, count: 0, held: Vec::new() }
    }

    /// What `navigator.credentials.create` gives for these options, as JSON.
    pub fn make(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options");
        let text = |at: &str| options.pointer(at).and_then(Value::as_str).expect("an option").to_owned();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair");
        let mut id = vec![0; 16];
        rand::fill(&mut id).expect("randomness");
        let user = URL_SAFE_NO_PAD.decode(text("/user/id")).expect("a user's id");
        let held = Held { id, pair, user, party: text("/rp/id") };

        let mut data = self.authenticator_data(&held.party, ATTESTED);
        // No make of device (AAGUID), then the id and the key (COSE: EC2, ES256, P-256, x, y).
        data.extend([0; 16]);
        data.extend(u16::try_from(held.id.len()).expect("a short id").to_be_bytes());
        data.extend(&held.id);
        // Behind the mark of an uncompressed point.
        let (_, point) = held.pair.public_key().as_ref().split_at(1);
        let (x, y) = point.split_at(32);
        data.extend([0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);

        // CBOR: {"fmt": "none", "attStmt": {}, "authData": bytes}
        let mut object = b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("a short answer"));
        object.extend(&data);
        let answer = credential(
            &held.id,
            &json!({
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", &text("/challenge"))),
            }),
        );
        self.held.push(held);
        answer
    }

    /// What `navigator.credentials.get` gives for these options, as JSON: by the passkey that was made last.
    pub fn show(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options");
        let challenge = options.get("challenge").and_then(Value::as_str).expect("a challenge");
        let held = self.held.last().expect("a passkey");
        self.count += 1;
        let data = self.authenticator_data(&held.party, 0);
        let client = self.client_data("webauthn.get", challenge);
        let signed = [data.as_slice(), digest(&SHA256, client.as_bytes()).as_ref()].concat();
        let signature = held.pair.sign(&rand::SystemRandom::default(), &signed).expect("a signature");
        credential(
            &held.id,
            &json!({
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": URL_SAFE_NO_PAD.encode(&held.user),
            }),
        )
    }

    fn authenticator_data(&self, party: &str, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, party.as_bytes()).as_ref().to_vec();
        data.push(PRESENT | flags | if self.verifies { VERIFIED } else { 0 });
        data.extend(self.count.to_be_bytes());
        data
    }

    fn client_data(&self, what: &str, challenge: &str) -> String {
        json!({ "type": what, "challenge": challenge, "origin": self.origin, "crossOrigin": false }).to_string()
    }
}

fn credential(id: &[u8], response: &Value) -> String {
    let id = URL_SAFE_NO_PAD.encode(id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
        .to_string()
}
