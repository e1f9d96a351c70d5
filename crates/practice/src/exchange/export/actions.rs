//! What can be done here, by the names that the policies and the audit use.

use crate::patients::actions::ReadDirectory;
use store::ReadAudit;

store::actions! {
    /// Ask for an export of the whole practice.
    pub AskExport = "export.ask", writes;
    /// Ask for an export of one record.
    pub AskPatientExport = "export.ask-patient", writes;
    /// See which exports there are, and fetch what is not one's own.
    pub ReadExports = "export.read", reads;
    /// Open the form for an export of the whole practice.
    pub AskWholeForm = "export.form", reads, all of [AskExport];
    /// Open the form for an export of one record.
    pub AskPatientForm = "export.form", reads, all of [AskPatientExport];
    /// Agree to an export of the whole practice.
    pub ApproveExport = "export.approve", writes;
    /// Agree to an export of one record.
    pub ApprovePatientExport = "export.approve-patient", writes;
    /// Refuse an export.
    pub RefuseExport = "export.refuse", writes;
    /// Take back what one has asked for.
    pub WithdrawExport = "export.withdraw", writes;
    /// Fetch an archive.
    pub TakeExport = "export.take", reads;
    /// Note that one was fetched to its end.
    pub TakenExport = "export.taken", writes, all of [TakeExport];
    /// Who could agree, and who must be told.
    pub ExportForm = "export.form", reads, all of [ReadDirectory];
    /// Make an archive: the job's own act.
    pub MakeExport = "export.make", writes;
    /// Read records for an archive.
    pub ReadRecords = "record.export", reads;
    /// Read the practice's log for an archive.
    pub ReadLog = "export.audit", reads, all of [ReadRecords, ReadAudit];
    /// Read who works here for an archive.
    pub ReadPeople = "export.people", reads, all of [ReadRecords, ReadDirectory];
}
