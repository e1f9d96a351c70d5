// A transaction is not a value that one can write down.
fn make(desk: store::Tx<store::ReadAudit>) -> store::Tx<store::SendMail> {
    store::Tx { allowed: std::marker::PhantomData, ..desk }
}

fn main() {}
