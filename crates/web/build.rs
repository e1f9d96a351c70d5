//! Gathers `assets/` into the program: styles into one sheet, own elements into one script, the
//! icons into one sprite, and htmx from npm's folder. Each gets an address with its content hash.

use std::env;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A build that cannot go on, in a sentence that says what to do.
struct Stopped(String);

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The order of the sheets; each belongs to a cascade layer that `tokens.css` declares.
const STYLES: &[&str] = &[
    "tokens", "base", "layout", "button", "form", "table", "panel", "notice", "menu", "tag", "banner", "record",
    "chart", "audit", "account", "door", "keys", "import", "contrast", "print",
];

/// Own elements, each a module by itself; the order does not matter.
const SCRIPTS: &[&str] =
    &["keys", "menu", "reveal", "copy", "print", "passkey", "password", "rows", "send", "status", "summary"];

fn main() -> Result<(), Stopped> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../assets");
    let out = PathBuf::from(variable("OUT_DIR")?);

    let mut styles = String::new();
    for name in STYLES {
        styles.push_str(&read(&root.join(format!("css/{name}.css")))?);
    }
    let mut scripts = String::new();
    for name in SCRIPTS {
        // A block of its own for each file, so that names of one never meet names of another.
        let script = read(&root.join(format!("js/{name}.js")))?;
        let _ = write!(scripts, "{{\n{script}}}\n");
    }
    let files = [
        ("app.css", "text/css; charset=utf-8", styles),
        ("app.js", "text/javascript; charset=utf-8", scripts),
        ("htmx.js", "text/javascript; charset=utf-8", htmx(&root)?),
        ("icons.svg", "image/svg+xml", sprite(&root.join("icons"))?),
        ("mark.svg", "image/svg+xml", read(&root.join("mark.svg"))?),
    ];

    let mut table = String::from("/// Every file built into the program.\npub static ASSETS: &[Asset] = &[\n");
    for (name, media_type, content) in files {
        let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
        let hash = fnv1a(content.as_bytes());
        let file = out.join(name);
        write(&file, content.as_bytes())?;
        let zipped = out.join(format!("{name}.gz"));
        write(&zipped, &gzip(content.as_bytes())?)?;
        let (file, zipped) = (file.display().to_string(), zipped.display().to_string());
        let _ = writeln!(
            table,
            "    Asset {{ name: {name:?}, address: \"/assets/{stem}-{hash:016x}.{ending}\", media_type: {media_type:?}, \
             bytes: include_bytes!({file:?}), gzipped: include_bytes!({zipped:?}) }},"
        );
    }
    table.push_str("];\n");
    write(&out.join("assets.rs"), table.as_bytes())
}

/// htmx as npm fetched it, in exactly the version that `package.json` names.
fn htmx(root: &Path) -> Result<String, Stopped> {
    let missing = || {
        Stopped(
            "htmx is not in assets/node_modules, or not in the version of assets/package.json: run `cargo xtask prepare`, then build again."
                .to_owned(),
        )
    };
    let wanted = member(&read(&root.join("package.json"))?, "htmx.org").ok_or_else(missing)?;
    let package = root.join("node_modules/htmx.org");
    let here = read(&package.join("package.json")).map_err(|_| missing())?;
    if member(&here, "version").as_deref() != Some(wanted.as_str()) {
        return Err(missing());
    }
    let script = read(&package.join("dist/htmx.min.js")).map_err(|_| missing())?;
    // The map is not shipped, so the browser is not told to ask for it.
    Ok(script.lines().filter(|line| !line.starts_with("//# sourceMappingURL")).fold(String::new(), |mut all, line| {
        all.push_str(line);
        all.push('\n');
        all
    }))
}

/// The text of `"key": "text"` in a JSON file that npm wrote.
fn member(json: &str, key: &str) -> Option<String> {
    let (_, after) = json.split_once(&format!("\"{key}\":"))?;
    after.split('"').nth(1).map(str::to_owned)
}

/// One sprite of all icons: each file's `<svg>` becomes a `<symbol>` named after the file.
fn sprite(folder: &Path) -> Result<String, Stopped> {
    watch(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|error| Stopped(format!("{}: {error}", folder.display())))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "svg"))
        .collect();
    paths.sort();
    let mut sprite = String::from("<svg xmlns=\"http://www.w3.org/2000/svg\">\n");
    for path in paths {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let icon = read(&path)?;
        let inner = icon
            .split_once('>')
            .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
            .map(|(inner, _)| inner.trim())
            .ok_or_else(|| Stopped(format!("{}: an icon is one <svg> with its closing tag.", path.display())))?;
        let _ = writeln!(
            sprite,
            "<symbol id=\"{name}\" viewBox=\"0 0 20 20\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" \
             stroke-linecap=\"round\" stroke-linejoin=\"round\">{inner}</symbol>"
        );
    }
    sprite.push_str("</svg>\n");
    Ok(sprite)
}

/// FNV-1a, 64 bits: tells one content from another for a browser's cache. Nothing secret rests on it.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Stopped> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| Stopped(format!("gzip: {error}")))
}

fn variable(name: &str) -> Result<String, Stopped> {
    env::var(name).map_err(|error| Stopped(format!("{name}: {error}")))
}

fn read(path: &Path) -> Result<String, Stopped> {
    watch(path);
    fs::read_to_string(path).map_err(|error| Stopped(format!("{}: {error}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Stopped> {
    fs::write(path, bytes).map_err(|error| Stopped(format!("{}: {error}", path.display())))
}

/// Tells cargo to build again when this changes. Cargo reads it from standard output.
fn watch(path: &Path) {
    let _ = writeln!(std::io::stdout(), "cargo::rerun-if-changed={}", path.display());
}
