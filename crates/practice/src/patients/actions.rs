//! What can be done here, by the names that the policies and the audit use.

use store::ReadPatientAudit;

store::actions! {
    /// Search by name, phone ending, e-mail or birth date.
    pub FindPatient = "patient.find", reads;
    /// Look up one exact identifier: counted, so that numbers cannot be tried.
    pub LookUpIdentifier = "patient.lookup-identifier", writes;
    /// See whom an identifier belongs to.
    pub ShowLookUp = "patient.lookup-found", reads, all of [LookUpIdentifier];
    /// Add a patient.
    pub CreatePatient = "patient.create", writes;
    /// Open the form to add one.
    pub NewForm = "patient.new-form", reads, all of [CreatePatient];
    /// See the banner, contacts, masked identifiers and alerts.
    pub ReadPatient = "patient.read", reads;
    /// Change particulars, identifiers and alerts.
    pub EditPatient = "patient.edit", writes;
    /// Open the form to change them.
    pub EditForm = "patient.edit-form", reads, all of [ReadPatient, EditPatient];
    /// See an identifier in full.
    pub RevealIdentifier = "identifier.reveal", reads;
    /// Read the entries of a record.
    pub ReadClinical = "clinical.read", reads;
    /// Open a record: its banner and its entries.
    pub OpenRecord = "patient.record", reads, all of [ReadPatient, ReadClinical];
    /// Write in a record, and end or take back what stands there.
    pub WriteClinical = "clinical.write", writes;
    /// Add an entry to a record: for a program.
    pub AddEntry = "clinical.create", writes;
    /// Put another in place of an entry: for a program.
    pub ChangeEntry = "clinical.update", writes;
    /// Open the forms for writing in a record.
    pub ClinicalForm = "clinical.form", reads, all of [ReadPatient, ReadClinical, WriteClinical];
    /// Name the people who alone may open a record.
    pub RestrictPatient = "patient.restrict", writes;
    /// Open the form for that.
    pub AccessForm = "patient.access-form", reads, all of [ReadPatient, ReadClinical, RestrictPatient];
    /// Say that two records are of one person.
    pub MergePatients = "patient.merge", writes;
    /// Look at two records side by side for that.
    pub MergeForm = "patient.merge-form", reads, all of [ReadPatient, MergePatients];
    /// Say that they are of two people after all.
    pub UndoMerge = "patient.unmerge", writes, all of [MergePatients];
    /// Ask who else somebody may be.
    pub AskAlike = "patient.alike", reads, all of [ReadPatient, MergePatients];
    /// See them.
    pub SeeAlike = "patient.alike", reads, all of [FindPatient];
    /// Open "who saw what" of a record, under its banner.
    pub OpenAudit = "patient.who-saw-what", reads, all of [ReadPatient, ReadPatientAudit];
    /// The same, clinical values included.
    pub OpenClinicalAudit = "patient.who-saw-what", reads, all of [ReadPatient, ReadClinical, ReadPatientAudit];
    /// Read a patient with the identifiers in full: for a program that may.
    pub ReadWhole = "patient.read-whole", reads, all of [ReadPatient, RevealIdentifier];
    /// Find patients, with the identifiers in full.
    pub FindWhole = "patient.find-whole", reads, all of [FindPatient, RevealIdentifier];
    /// Open a record, with the identifiers in full.
    pub OpenRecordWhole = "patient.record-whole", reads, all of [ReadPatient, ReadClinical, RevealIdentifier];
    /// Read what the practice keeps of places, organisations and people who treat.
    pub ReadDirectory = "team.read", reads;
    /// Bring patients in.
    pub ImportPatients = "patient.import", writes;
}
