//! A person's recovery codes as rows.

use kernel::{PersonId, Secret};
use store::{HouseAction, HouseTx, StoreError};

use crate::recovery::RecoveryCode;
use crate::rows::{Code, CodeRow};
use crate::{Identity, reads};

impl Identity {
    /// Puts ten new codes in the place of those that the person has; gives them as printed.
    pub(crate) async fn renew_codes_in<A: HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        person: PersonId,
    ) -> Result<Vec<Secret<String>>, StoreError> {
        for old in reads::codes(tx, person).await? {
            tx.remove(&old).await?;
        }
        let codes = RecoveryCode::fresh_set(self.entropy());
        let at = tx.at();
        for code in &codes {
            tx.insert::<CodeRow>(Code {
                id: self.row_id(at),
                row_version: 1,
                person_id: person,
                code_hash: code.hash(person).bytes().to_vec(),
                created_at: at,
                used_at: None,
            })
            .await?;
        }
        Ok(codes.iter().map(RecoveryCode::printed).collect())
    }
}
