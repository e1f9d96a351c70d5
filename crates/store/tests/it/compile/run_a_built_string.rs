// A statement is a constant of the program.
async fn run(tx: store::Tx<store::ReadAudit>, text: String) {
    tx.ids(&text, &[]).await.unwrap();
}

fn main() {}
