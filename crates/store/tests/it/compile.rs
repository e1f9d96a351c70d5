//! Misuses that must not compile. Each fixture is one misuse of a few lines; its `.stderr` is what the
//! compiler says.

#[test]
fn misuses_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/it/compile/*.rs");
}
