# Every text of the pages, in English. Plain, short, sentence case, no exclamation marks, no blame:
# name the thing and the next step. The same word for the same thing: patient, record, practice,
# team, role, alert, identifier, reveal, "Who saw what".

## Everywhere

skip-to-content = Skip to the page
rail-label = Rooms
rail-home = Vouchsafe, to Today
room-today = Today
room-patients = Patients
room-team = Team
room-audit = Who saw what
room-account = Account
practice-label = Practice:
practice-switch = Work in another practice
sign-out = Sign out
save = Save
cancel = Cancel
edit = Edit
close = Close
remove = Remove
print = Print
print-list = Print this list
copied = Copied
nothing = nothing
not-recorded = not recorded
no-date = no date
damaged = Damaged
choose-one = Choose one
choose-none = Not stated
status-offline = No connection. Nothing was sent; try again in a moment.
status-refused = This needs a fresh page. Open it again and repeat the step.
status-failed = Something went wrong here. Nothing was changed; try again in a moment.

month-short = { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
month-long = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
weekday = { $day ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}
moment-spoken = { $day } at { $time }
age-years = { $count ->
    [one] { $count } year
   *[other] { $count } years
}
age-months = { $count ->
    [one] { $count } month
   *[other] { $count } months
}
age-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
since-day = Since { $day }
born-on = born { $day }
from-where = from { $from }

pager-label = Pages
pager-rows = { $first } to { $last }
pager-rows-of = { $first } to { $last } of { $total }
pager-newer = Newer
pager-older = Older

## Keys

keys-show = Keyboard
keys-title = Keyboard
keys-or = or
keys-then = then
keys-find = Find a patient
keys-rows = Move between rows
keys-open = Open the row
keys-save = Save a long form
keys-close = Close what is on top
keys-this = Show this list

## Finding

find-label = Find a patient
find-short = Find a patient
find-placeholder = Name, birth date, phone or e-mail
find-hint = The start of a name, a birth date, the end of a phone number, or an e-mail address

## Forms

error-prefix = Error:
summary-title = Something needs your attention
password-show = Show
password-hide = Hide
password-hint = At least 12 characters. Three or four words that mean something only to you work well.

field-email = E-mail
field-password = Password
field-new-password = New password
field-current-password = Current password
field-choose-password = Choose a password
field-your-password = Your password
field-your-password-hint = To make sure that it is you
field-code = Code from your app
field-app-code = Code that the app shows now
field-recovery-code = Recovery code
field-your-name = Your name
field-your-name-hint = As patients and colleagues know you
field-roles = Roles
field-name = Name
field-identifiers = Identifiers
field-deceased = Death
field-marital = Marital status
field-rest = Other particulars
field-active = Active
field-masked = Masked number
field-text = Text
field-summary = Summary
field-body = Content
field-status = Status
field-date = Date

## The door

door-promise = What happens to a record here is written down: who, when, from where.
sign-in-title = Sign in
sign-in-button = Sign in
sign-in-forgot = Forgot your password?
back-to-sign-in = Back to sign in
second-title = One more step
second-hint = Six digits
second-button = Continue
second-lost = Use a recovery code
passkey-sign-in = Sign in with a passkey
passkey-use = Use a passkey
passkey-instead = Use a passkey instead of an app
passkey-failed = Nothing came of it. Try again, or take the other way.
passkey-held = This device holds a passkey for you already.
passkey-expired = This took too long. Try again.
passkey-refused = This passkey is not one of yours here. Try another, or take the other way.
passkey-needs-script = Passkeys need JavaScript. Use a recovery code instead, or allow it for this site.
recovery-title = Use a recovery code
recovery-hint = One of the codes you kept when you set up your app. Each works once.
recovery-back = Use the code from your app
reset-title = Reset your password
reset-lead = Tell us the e-mail you sign in with, and we send a link to it.
reset-button = Send the link
reset-asked-title = Look in your mail
reset-asked-lead = If this e-mail has an account here, a link is on its way to it. It works for { $minutes } minutes, once.
reset-asked-nothing = Nothing after a few minutes? Look in the spam folder, or ask an owner of your practice.
reset-set-title = Choose a new password
reset-set-ends = Saving signs you out everywhere.
reset-set-button = Save the password
link-ended-title = This link works no more
link-ended-reset = It was used already, or it is too old. Ask for a new one.
link-ended-reset-button = Send a new link
link-ended-factors = It was used already, it is too old, or you have signed in since as before. Ask whoever started it for a new one.
anew-title = Set up your second factor anew
anew-lead = Somebody who answers for your practice has started this. Enter your password; then you set up an app or a passkey.
anew-old = What you used until now, recovery codes too, works no more from then on.
anew-wrong = This is not your password. Type it again.
anew-button = Go on
link-ended-invitation = It was used already, or it is too old. Ask the person who invited you for a new one.

invitation-short = Invitation
invitation-title = Welcome to { $practice }
invitation-lead = { $who } invites you to work here as { $roles }.
invitation-you = You
invitation-button = Create my account
invitation-known = You are signed in as { $email }. Joining adds this practice to your account.
invitation-known-sign-in = { $email } has an account here already. Sign in to join.
invitation-join = Join { $practice }

enrol-title = Authenticator app
enrol-lead = Each time you sign in, an app on your phone shows a code. A stolen password alone then opens nothing.
enrol-replaces = The app you use now stops working when this one is saved.
enrol-qr = QR code for the authenticator app. The same secret is below as text.
enrol-step-app = Open an authenticator app on your phone.
enrol-step-scan = Add an account and scan this picture.
enrol-step-code = Type the code that the app shows.
enrol-typed = No camera? Type the secret instead
enrol-button = Save the app
copy-secret = Copy the secret
codes-title = Keep your recovery codes
codes-lead = If you lose your phone, one of these codes lets you in. Each works once. They are shown only now: print them, or keep them in a password manager.
codes-sheet = Vouchsafe recovery codes for { $email }, made on { $day }
codes-copy = Copy the codes
codes-kept = I have kept them
codes-new-lead = { $count ->
    [0] You have none left. New ones are made in a moment.
    [one] The one code you have left stops working.
   *[other] The { $count } codes you have left stop working.
}
codes-new-button = Make new codes

## Today

greeting-morning = Good morning, { $name }
greeting-afternoon = Good afternoon, { $name }
greeting-evening = Good evening, { $name }
today-few-codes = { $count ->
    [0] You have no recovery codes left.
    [one] You have one recovery code left.
   *[other] You have { $count } recovery codes left.
}
today-few-codes-link = Make new ones
today-opened = Opened by you lately
today-opened-at = Opened
today-opened-none = Patients you open will stand here. Find one above to begin.
today-nothing = Your roles open no patient records. The rooms in the rail are yours.

## Patients

patients-count = { $count ->
    [one] { $count } patient
   *[other] { $count } patients
}
patients-first = { $count ->
    [one] The first patient
   *[other] The first { $count } patients
}
patients-too-many = More patients match than fit here. Type more of the name, or add a birth date.
patients-none-title = Nobody matches “{ $query }”
patients-none = Try the start of another name, the last four digits of a phone number, or a birth date such as 7 Mar 1984.
patients-ask = Type to find a patient.
patients-empty-title = No patients yet
patients-empty = Write down the first one here. A whole practice is brought in by whoever runs this installation, with “vouchsafe import fhir”.
patients-empty-first = New patient
results-label = Patients found
column-name = Name
column-birth = Birth date
column-phone = Phone
column-gender = Gender
column-field = Field
column-when = When
column-what = What
column-who = Who
column-did = Did what
column-patient = Patient
column-from = From
column-author = Author
column-device = Device
column-last-used = Last used
column-joined = Since
column-acts = Actions

lookup-title = Look up an identifier
lookup-lead = Finds the one patient with exactly this number. Each look-up is recorded.
lookup-button = Look up
lookup-nobody = No patient here has this number. Check each digit, and the kind.
identifier-kind = Kind
identifier-number = Number

patient-new = New patient
patient-create = Create the patient
patient-edit = Edit the patient
patient-title = Patient
group-name = Name
group-birth = Birth and gender
group-contact = Contact
patient-given = Given names
patient-family = Family name
patient-one-name = Someone with one name: write it in either field and leave the other empty.
patient-preferred = Preferred name
patient-pronouns = Pronouns
patient-birth = Birth date
patient-birth-hint = Like { $example }, or with the month as a word: 7 Mar 1984
patient-form-title = Title
patient-language = Language
patient-gender = Gender
patient-gender-hint = As the record and the insurer have it
patient-phone = Phone
patient-address = Address
address-street = Street, building, suburb
address-city = Town or city
address-region = Province or state
address-postcode = Postal code
address-country = Country
gender-female = Female
gender-male = Male
gender-other = Other
gender-unknown = Unknown

similar-title = Is it one of these patients?
similar-lead = Name, birth date, phone or e-mail are alike. Open the record instead of making a second one.
similar-another = No, it is someone else
conflict-title = { $who } changed this patient on { $when }, while you were writing
conflict-title-job = An import changed this patient on { $when }, while you were writing
conflict-lead = What you typed is still below. Compare, change what needs changing, and save again to keep yours.
conflict-theirs = In the record now
conflict-yours = What you typed
conflict-save = Save mine

## A patient

banner-label = Patient
banner-strip = Allergies and alerts
banner-tabs = This patient
banner-no-birth = Birth date not recorded
banner-died = Died { $day }
banner-inactive = Not active
tab-overview = Overview
tab-record = Record
allergy-label = Allergy
allergies-none-recorded = No allergies recorded
allergies-none-known = No known allergies
allergies-damaged = { $count ->
    [one] { $count } allergy is damaged and cannot be read: open the record
   *[other] { $count } allergies are damaged and cannot be read: open the record
}
alert-label = Alert
alerts-title = Alerts
alerts-none = None. What the next person has to know goes here.
alert-add = Add an alert
alert-add-button = Add the alert
alert-text = What the next person has to know
alert-text-hint = It stands in the banner of every page of this patient.
alert-weight = Weight
alert-end = End
alert-end-title = End this alert of { $name }?
alert-end-what = It leaves the banner at once. It stays in “Who saw what”.
alert-end-button = End the alert of { $name }
weight-high = Danger
weight-usual = Worth knowing
weight-high-choice = Danger to someone
contacts-title = Contacts
contacts-none = None yet. “Edit” adds them.
contact-phone = Phone
identifiers-lead = Masked in the banner. “Show” asks for a purpose and is recorded.
identifier-add = Add an identifier
identifier-add-button = Add the identifier
identifier-remove = Remove this identifier
identifier-remove-title = Remove this identifier of { $name }?
identifier-remove-what = It can no longer be looked up or shown. Removing it is recorded.
identifier-remove-button = Remove the identifier of { $name }

reveal-show = Show
reveal-hide = Hide
reveal-again = Show again
reveal-title = Show this identifier
reveal-lead = The whole number is shown for a minute. Who, when, from where and why is recorded.
reveal-purpose = Purpose
reveal-button = Show and record
reveal-recorded = Recorded:
purpose-treatment = Treatment
purpose-billing = A claim or an invoice
purpose-patient-request = The patient asked
purpose-correction = To correct the record
purpose-legal = A law or a court asks

no-clinical-title = Clinical record
no-clinical = Your roles do not open it. A practitioner of this practice reads it.
panel-all = All { $count }
panel-none = Nothing recorded.
seen-opened = You opened this at { $time }. That is recorded.
seen-others = { $count ->
    [0] Nobody else has in the last year.
    [one] One other person has in the last year.
   *[other] { $count } other people have in the last year.
}
seen-entry = You opened this entry at { $time }. That is recorded.

record-kind-problem = Problems
record-kind-medication = Medication
record-kind-allergy = Allergies
record-kind-document = Documents
record-kind-immunisation = Immunisations
record-kind-observation = Measurements and findings
record-kind-procedure = Procedures
record-kind-visit = Visits
record-kind-counted = { $kind }, { $count }
entry-kind-problem = Problem
entry-kind-medication = Medication
entry-kind-allergy = Allergy
entry-kind-document = Document
entry-kind-immunisation = Immunisation
entry-kind-observation = Measurement or finding
entry-kind-procedure = Procedure
entry-kind-visit = Visit
reading-what = Measured
reading-value = Value
reading-flag = Assessment
reading-usual = Usual
filter-kinds = Kinds of entries
filter-words = Words
filter-words-again = Type the words again. This list was made too long ago, or by somebody else
filter-words-long = Look for { $most } characters or fewer
filter-day-wrong = Enter a date as in { $example }, or only a month or a year
filter-dates-crossed = The last day must not lie before the first
filtered-by = by { $names }
filtered-by-kind = kind
filtered-by-date = date
filtered-by-words = words
narrowed = Only: { $by }
narrowed-from = from { $value }
narrowed-to = to { $value }
narrowed-words = words “{ $value }”
years-label = Years
no-date-heading = Without a date
record-stopped = Not everything could be searched at one time. What is older has not been looked at yet: go on with Older.
measurements-link = Measurements over time
measurements-title = Measurements over time
measurements-lead = Each figure has one unit. Values taken back are left out.
measurements-more = There are older measurements than these; they stand in the record.
measurements-none-title = Nothing to draw yet
measurements-none = Measurements with a number stand here, each kind in a figure of its own.
chart-nothing = No value here has both a number and a day.
chart-desc = A line through the values in the table below
chart-values = { $count ->
    [one] { $count } value
   *[other] { $count } values
}
chart-converted = In { $unit }
entry-change = End it or take it back
write-title = Write in the record
write-for = In the record of { $name }
write-allergy = Add an allergy
write-medication = Add a medication
write-problem = Add a problem
write-immunisation = Add an immunisation
write-measurement = Add measurements
write-none-known = No known allergies
write-allergies-stand = Allergies stand in this record. End them first, or add what you meant as an allergy.
write-substance = Allergic to
write-substance-hint = A medicine, a food, or anything else; empty if no allergies are known
write-category = Kind
category-medication = Medicine
category-food = Food
category-environment = Environment
category-biologic = Biological product
write-criticality = Danger
criticality-high = High: may threaten life
criticality-low = Low
criticality-unknown = Cannot be judged
write-reaction = What happens
write-severity = Severity
severity-mild = Mild
severity-moderate = Moderate
severity-severe = Severe
write-since = Since
write-date-hint = For example { $example }, or only a month or a year
write-medication-name = Medication
write-medication-hint = With its strength and form
write-dosage = How it is taken
write-reason = For what
write-problem-name = Problem
write-vaccine = Vaccine
write-given = Given on
write-dose = Number of the dose
write-date = Measured on
write-time = At
write-time-hint = For example 14:05; empty for now
write-height = Height in cm
write-weight = Weight in kg
write-temperature = Temperature in °C
write-pulse = Pulse per minute
write-systolic = Blood pressure, upper, in mmHg
write-diastolic = Blood pressure, lower, in mmHg
write-saturation = Oxygen saturation in %
write-remark = Remark
write-save = Save in the record
unusual-title = Please look again
unusual-confirm = It is right: save it as typed
change-title = End or take back
change-what = What has changed?
change-resolved = It is over
change-inactive = It is no longer active
change-stopped = It was stopped
change-completed = It was taken to its end
change-error = It was entered in error: it must not be read as true
change-on = Since when
change-remark = Why
change-remark-hint = Needed where it was entered in error. The entry itself stays in the record.
change-save = Save the change
change-conflict = Somebody changed this entry while you were writing. Look at it again; what you typed is still here.
details-title = Names, contacts and people
details-link = All names, contacts, addresses, languages and people around the patient
details-lead = Empty a row to take it away.
details-conflict = Somebody changed this patient while you were writing. What you typed is still here: compare it with the record in another tab, then save again.
details-row = Row { $number }
details-names = Names
details-contacts = Phone and mail
details-addresses = Addresses
details-languages = Languages
details-people = People around the patient
details-add-name = Add another name
details-add-contact = Add another number or address
details-add-address = Add another address
details-add-language = Add another language
details-add-person = Add a person
details-use = Use
details-value = Number or address
name-official = Official
name-usual = What they want to be called
name-nickname = Nickname
name-maiden = Before marriage
name-old = Former
name-former = Former name
name-anonymous = Anonymous
use-temp = For some time
use-mobile = Mobile
use-home = Home
use-work = Work
use-old = No longer in use
use-billing = Bills
contact-sms = Text messages
contact-fax = Fax
contact-pager = Pager
contact-url = Web address
language-preferred = Preferred
person-relation = What they are to the patient
person-may-consent = May consent for the patient
person-consents = may consent
relation-guardian = Guardian
relation-next-of-kin = Next of kin
relation-emergency = Emergency contact
relation-parent = Parent
relation-spouse = Spouse or partner
relation-child = Child
relation-carer = Carer
relation-other = Other
standing-panel = This record
standing-title = In use, or closed; a death
standing-record = The record
standing-active = In use
standing-inactive = No longer in use
standing-death = Has the patient died?
standing-alive = No
standing-died = Yes
standing-died-on = Date of death, if it is known
standing-conflict = Somebody changed this patient while you were writing. Look at it again; what you chose is still here.
access-title = Who may open this record
access-restricted = Only the people ticked here may open this record. Nobody else finds it.
access-open = Everybody whose roles allow it may open this record.
access-lead = Tick whoever may open it, and save: you are always one of them. Tick nobody to open it to all again. If none of them is left in the practice, nobody can open it.
access-people = May open it
access-you = This is you
access-save = Save who may open it
banner-restricted = Restricted
banner-dead = Has died
field-restricted = Restricted
field-may-open = May open it
action-patient-restrict = Who may open the record
record-none-title = Nothing in the record yet
record-none = Entries that are brought in stand here, newest first.
record-none-filtered-title = Nothing matches
record-none-filtered = Choose another kind, or wider dates.
filters-label = Filter
filter-kind = Kind
filter-from = From
filter-to = To
filter-button = Filter
filter-clear = Clear
entry-title = Entry
entry-about = About this entry
entry-id = Entry id
entry-kept = This kind of entry is kept whole, and this page cannot show it yet.
entry-in-error = Taken back
entry-in-error-long = The source took this entry back: it was entered in error.
entry-damaged-title = This entry is damaged
entry-damaged = What is stored does not open with this patient’s key: it was changed or moved outside the program. Nothing of it is shown. The rest of the record is not affected.
entry-damaged-next = Tell whoever runs this installation the entry id below; a backup may hold the whole entry.

## Who saw what

audit-lead = Everything done in this practice: who, when, from where.
audit-record-lead = Everything done with this record: opened, found by a search, shown, changed. Newest first.
audit-none-title = Nothing here
audit-none = Nothing has been done in this practice yet.
audit-none-filtered = Nothing matches. Choose someone else, or wider dates.
audit-record-none = Nothing has been done with this record yet.
audit-patient = Patient id
audit-purpose = Purpose: { $purpose }
audit-damaged = Details damaged
change-before = before:
change-after = after:
change-within = Changed in a particular that has no words here
value-rest = What the source said besides
value-content = { $count ->
    [one] One character, as it came
   *[other] { $count } characters, as they came
}
yes = Yes
no = No
audit-fields = Fields: { $fields }
audit-act = { $kind }: { $act }
act-read = Opened
act-found = Found
act-reveal = Shown
act-change = Changed
act-refused = Refused
act-account = Account
action-home-read = Today
action-patient-find = Among the results of a search
action-patient-find-whole = Among the results of a search, with the identifiers
action-patient-read-whole = The patient, with the identifiers
action-clinical-read-whole = The clinical record, with the identifiers
action-patient-lookup = Looked up an identifier
action-patient-lookup-found = Found by an identifier
action-patient-create = Created the patient
action-patient-read = The patient’s page
action-patient-edit = The patient’s details
action-patient-edit-form = The patient’s details, to edit them
action-clinical-write = The record, written in
action-clinical-form = The form to write in the record
action-clinical-read = The clinical record
action-patient-audit = Who saw what of this record
action-identifier-reveal = An identifier
action-team-read = The team page
action-team-invite = Invited a person
action-team-uninvite = Withdrew an invitation
action-team-join = Joined the team
action-team-roles = Someone’s roles
action-team-remove = Removed a person
action-team-reset = Started that somebody sets up their second factor anew
action-team-agree = Agreed to somebody’s new second factor
action-team-rule = Said by what people are let in
action-door-let-in = Let somebody in again
action-factors-open = A second factor is to be set up anew
action-factors-reset = Second factors, taken away to be set up anew
action-audit-read = Who saw what of the practice
action-practice-edit = The practice’s settings
action-practice-found = The practice itself
action-keys-rotate = A key of the practice, turned
action-sign-in = Signed in
action-password-proved = Password right, first step of signing in
action-sign-in-refused = Sign-in refused
action-sign-out = Signed out
action-session-end = Ended a session
action-session-prove = Proved both factors once more
action-session-switch = Went to another practice
action-account-read = The account page
action-password-change = The password
action-reset-ask = Asked for a password reset
action-reset = Reset the password
action-totp = The authenticator app
action-passkey-added = Added a passkey
action-passkey-renamed = Gave a passkey another name
action-passkey-removed = Took a passkey away
action-codes = Made new recovery codes
action-mail = Sent a mail
action-import = Brought in by an import
action-import-read = What imports there were
action-import-undo = Taken back with its import
action-export-ask = An export, asked for
action-export-read = Which exports there are
action-export-approve = An export, agreed to as the second person
action-export-refuse = An export, refused
action-export-withdraw = An export, taken back
action-export-take = The archive of an export, fetched
action-export-taken = The archive of an export, fetched to its end
action-export-make = An archive, made part by part
action-export-audit = This log, for an archive
action-export-people = Who works here, for an archive

## Team

team-lead = Who works at { $practice }, and what each may open.
team-people = { $count ->
    [one] { $count } person
   *[other] { $count } people
}
team-you = You
team-withdraw = Withdraw
team-held = Not let in
team-let-in = Let in again
team-reset = Reset second factor
team-change = Change roles
team-invite = Invite a person
team-invite-lead = They get a link and choose their own password. They see { $practice } only.
team-invite-email = The invitation is for this address alone
team-invite-button = Make the invitation
team-invited = Invited
team-invited-by = Invited by
team-invited-until = Link works until
team-link-title = The invitation is ready
team-link-lead = Give this link to { $email }. It works once, until { $until }.
team-link-mailed = It was also sent to that address.
team-link-once = The link is shown only now. If it is lost, make a new invitation.
team-link-done = Done
copy-link = Copy the link
team-roles-title = Roles of { $name }
team-roles-lead = A change takes effect at their next click.
team-remove-title = Remove { $name } from { $practice }?
team-remove-what = They are signed out of this practice at once and open nothing here any more. What they did stays in “Who saw what”.
team-remove-button = Remove { $name }
factors-title = Reset a second factor
factors-of = Reset the second factor of { $name }?
factors-sure = For { $name }, who can no longer use their app, passkeys or recovery codes. First make sure that it is them who asks: call them, or see them.
factors-link = A link goes to { $email }. With it and their password they set up an app or a passkey of their own, within an hour.
factors-out = They are signed out everywhere now.
factors-elsewhere = If they belong to other practices, those do not let them in until somebody there agrees.
factors-found = If they find what they had lost and sign in with it, nothing changes.
factors-button = Send the link
let-in-title = Let { $name } into { $practice } again?
let-in-what = Another practice of { $name } has started that they set up their second factor anew. Ask them whether it was them, not by mail.
let-in-button = Let { $name } in
rule-title = Signing in
rule-off = { $practice } lets its people in by password and app, or by a passkey.
rule-on = { $practice } lets its people in by passkeys only.
rule-counted = { $with ->
    [0] Of { $people } on the team, none has a passkey yet.
    [one] Of { $people } on the team, one has a passkey.
   *[other] Of { $people } on the team, { $with } have a passkey.
}
rule-tighten = With passkeys only, a password and a code let nobody in any more, so nobody can be tricked into giving theirs away. Whoever has no passkey yet is asked to set one up when they next come in. It holds from the next page on.
rule-loosen = A second factor stays required of everybody, whatever you choose here.
rule-show-first = You have not signed in by a passkey. Show one first, so that this does not shut you out.
rule-show-button = Show a passkey
rule-tighten-button = Let people in by passkeys only
rule-loosen-button = Take password and app too
roles-hint = Several may be chosen; together they allow what each allows.
role-owner = owner
role-owner-hint = Team, settings, “Who saw what”. No clinical content.
role-administrator = administrator
role-administrator-hint = As an owner, without changing owners; also creates and edits patients.
role-practitioner = practitioner
role-practitioner-hint = Patients and the whole clinical record.
role-reception = reception
role-reception-hint = Patients, contacts, identifiers. No clinical content.
role-finance = finance
role-finance-hint = Finds patients and shows identifiers. Edits no patient, reads no clinical content.

## Account

account-sign-in = Signing in
account-secured = Password, app, passkeys or codes last changed { $day }
account-password-button = Change password
account-password-ends = Saving signs you out everywhere else.
account-second = Authenticator app
account-second-on = In use
account-second-off = Not set up
account-second-change = Replace
account-second-add = Set up
passkeys-title = Passkeys
passkeys-none = None yet. With a passkey you sign in by fingerprint, face or screen lock, without a password and without a code.
passkey-add = Add a passkey
passkey-added = added { $when }
passkey-used = last used { $when }
passkey-remove = Take away
passkey-new-title = Add a passkey
passkey-new-lead = This device, a phone or a security key will hold it. It asks who is there by fingerprint, face or screen lock.
field-passkey-name = Name
field-passkey-name-hint = So that you know it again: my phone, key on the ring
passkey-make = Make the passkey
passkey-continue = Continue
passkey-prove-lead = With a passkey one can sign in, so first it must be you who adds it.
passkey-remove-title = Take away “{ $name }”?
passkey-remove-what = Nobody can sign in with it any more, and you are signed out everywhere else.
passkey-remove-button = Take it away
passkey-name-wrong = Give it a name of at most 60 characters.
passkey-too-many = You have 20 passkeys. Take one away first.
passkey-last = This is your only second factor. Set up an authenticator app or another passkey first.
passkey-show-first = Show one of your passkeys first.
passkey-rename = Rename
account-passkey-wanted = A practice of yours lets its people in by a passkey only, and you have signed in another way.
passkey-name-title = Rename a passkey
passkey-wanted-title = Show your passkey
passkey-wanted-by = { $practice } lets its people in by a passkey only.
passkey-wanted-show = You have signed in another way. Show your passkey once, and you go on where you were.
passkey-wanted-make = You have none yet. Set one up: your phone or computer asks who is there by fingerprint, face or screen lock, and you go on where you were.
passkey-wanted-script = Passkeys need JavaScript. Allow it for this site.
passkey-wanted-lost = If you have lost it, sign out, sign in again with a recovery code, and add another under Account. If you have no code left, an owner or administrator of your practice starts that you set it up anew.
account-codes = Recovery codes
account-codes-left = { $count } left
account-codes-few = Few left
account-codes-button = New recovery codes
sessions-title = Where you are signed in
sessions-this = This one
sessions-since = since { $when }
sessions-end = Sign out
sessions-end-others = Sign out everywhere else
practices-title = Your practices
practices-here = You are here
practices-go = Work here

confirm-title = One question

## When a page cannot be given

fault-400-title = This page could not be understood
fault-400-next = The address or the form was not whole, or it is too old. Go back, open it again and repeat the step.
fault-403-title = Your roles do not open this
fault-403-next = If you need it for your work, ask an owner of your practice. That you asked here is recorded.
fault-passkey-title = This needs your passkey
fault-passkey-next = The practice lets its people in by a passkey only, and you have not shown yours. Nothing was saved. Open Account in another window, show your passkey there, then go back to the form and send it again.
fault-404-title = Nothing is here
fault-404-next = The address may be mistyped, or what was here has gone. Find the patient or the page again.
fault-405-title = This address is not opened like that
fault-405-next = Go back, open the page again and use its button.
fault-409-title = Someone else was first
fault-409-next = What you sent no longer fits what is there. Go back, open the page again and look at what changed.
fault-practice-title = This form belongs to another practice
fault-practice-next = You have changed to another practice since you opened it, perhaps in another window. Nothing was saved. Change back to the practice, then go back to the form and send it again.
fault-413-title = That was too much at once
fault-413-next = Nothing was saved. Shorten what you typed, or send less, and try again.
fault-429-title = A little slower
fault-429-next = { $seconds ->
    [one] Too many tries in a short time. It works again in { $seconds } second.
   *[other] Too many tries in a short time. It works again in { $seconds } seconds.
}
fault-500-title = Something broke on our side
fault-500-next = It is written down for whoever runs this installation. Go back and try again; nothing half-done was saved.
fault-damaged-title = This record is damaged
fault-damaged-next = What is stored as { $id } does not open: it was changed or moved outside the program, and nothing of it is shown. Everything else works. Tell whoever runs this installation this id; a backup may hold the whole record.
fault-503-title = Busy for a moment
fault-503-next = { $seconds ->
    [one] Nothing is lost. Try again in { $seconds } second.
   *[other] Nothing is lost. Try again in { $seconds } seconds.
}
fault-back = Go back
fault-start = To the start
fault-reference = Reference

## What a handler answers

sign-in-ended = You are no longer signed in. Sign in, go back and repeat the step.
sign-in-refused = The e-mail or the password is not right. Check both and try again.
recovery-not-a-code = Enter the code as it was printed: four groups of letters and digits.
recovery-wrong = This recovery code is not right, or it was used before. Try the next one.
code-wrong = Enter the six digits that your app shows now.
code-used = This code was used already. Wait for the next one in your app.
totp-too-late = This picture was shown more than ten minutes ago. Scan the one on this page.
current-wrong = This is not your current password. Type it again.
password-too-short = Enter { $least } characters or more: this password has { $length }.
password-too-long = Enter { $most } characters or fewer: this password has { $length }.
password-context = Leave out your name, your e-mail and the words of the practice, or add { $least } other characters: they are tried first.
password-common = Choose another password: this one is built on common words or passwords. Four or more unrelated words are good.
password-pattern = Choose another password: this one is a pattern that is soon guessed. Four or more unrelated words are good.
email-incomplete = Enter an e-mail address with an @, like name@example.com.
name-missing = Enter your name, in 200 characters or fewer.
role-missing = Choose at least one role.
invite-on-the-team = Someone with this e-mail is on the team already.
invite-settled = This invitation is no longer open. Make a new one.
invited-by-the-practice = The practice
invitation-sign-in-first = There is an account with this e-mail already. Sign in, then open the link again.
invitation-another-address = This invitation is for another e-mail. Sign in with that one, or ask for an invitation to yours.
invitation-on-the-team = You are on this team already.
team-last-owner = A practice needs an owner. Make someone else an owner first.
team-damaged = Some lines of this page are damaged and are left out. Tell whoever runs this installation.
device-on = { $browser } on { $system }
device-unknown = A browser
done-signed-out = You are signed out.
done-too-late = That took longer than ten minutes, or was done already. Sign in again.
done-password = The password is changed. Other browsers are signed out.
done-passkey-added = The passkey is added.
done-passkey-removed = The passkey is gone. Other browsers are signed out.
done-passkey-renamed = The passkey has its new name.
done-totp = The new app is set up. Other browsers are signed out.
done-session-ended = That browser is signed out.
done-others-ended = All other browsers are signed out.
done-roles = The roles are changed.
done-removed = They are removed from the team.
done-factors-reset = The link is on its way to them. They are signed out everywhere.
done-let-in = They may come in again.
done-sign-in-rule = That is how people are let in from now on.
done-invited = The invitation is on its way.
done-uninvited = The invitation is withdrawn.
done-joined = You have joined this practice.

# Patients and the log: what handlers say
patient-unnamed = No name recorded
identifier-kind-missing = Choose the kind of number
identifier-number-missing = Enter the number
alert-text-missing = Enter what the next person has to know
alert-text-wrong = Enter at most 500 characters that can be printed
reveal-purpose-missing = Choose why you need to see it
filter-date-wrong = Enter a date such as 2026-11-22
who-visitor = Somebody not signed in
who-founding = Founding of the practice
who-import = Import
who-mail = Sending of letters
who-rotation = Turning of keys
who-export = Export
audit-everyone = Everyone
audit-everything = Everything
audit-patient-wrong = Enter the id of a patient, as it stands in the address of their page
fact-status = Status
fact-clinical-status = Clinical status
fact-verification = Verification
fact-criticality = Criticality
fact-severity = Severity
fact-began = Began
fact-ended = Ended
fact-recorded = Recorded
fact-dosage = Dosage
fact-reactions = Reactions
fact-reasons = Reasons
fact-categories = Category
fact-authors = Author
fact-custodian = Kept by
fact-status-reasons = Why this status
fact-sites = Part of the body
fact-methods = Method or route
fact-outcomes = Outcome
fact-places = Place
fact-maker = Made by
fact-lot = Batch
fact-expires = Batch good until
fact-code = Code

# Connections: programs let in over the API.
connections-title = Connections
connections-lead = Programs that { $practice } has let in. What each reads and changes stands in “Who saw what” under its name.
connections-working = { $count ->
    [one] { $count } connection
   *[other] { $count } connections
 }
connections-none = No program has been let in.
connections-ended = No longer let in
connections-damaged = Some connections could not be read. They are not lost; tell whoever hosts this installation.
connection-new = Make a connection
connection-new-lead = A connection lets one program in to { $practice }, and nowhere else. Make one for each program, so that each can be ended by itself.
connection-name = Name
connection-name-hint = What the program is called in “Who saw what”
connection-name-missing = Give the connection a name of 200 characters or fewer.
connection-permissions = What it may do
connection-permissions-hint = As little as the program needs; it cannot be changed later.
connection-permission-missing = Choose one permission or more.
connection-days = How long it is good
connection-days-hint = It ends by itself then; you can end it at any time before.
connection-days-count = { $count ->
    [one] { $count } day
   *[other] { $count } days
 }
connection-days-wrong = Choose how long it is good, a year at most.
connection-proves = How it proves itself
connection-proves-hint = Who makes the program can say which of the two it needs.
connection-key = A key that we make
connection-own-keys = Keys of its own (SMART Backend Services)
connection-keys = Its public keys (JWKS)
connection-keys-hint = Only for a program with keys of its own: paste the JSON that its maker gives you. RSA for RS384, or P-384 for ES384.
connection-make = Make the connection
connection-made-title = The connection is ready
connection-made-key = Give this key to { $name }. It works until { $until }.
connection-made-own = { $name } can prove itself with its keys until { $until }. Give its maker these addresses.
connection-key-once = The key is shown only now, and is kept nowhere. If it is lost, end this connection and make another.
connection-copy = Copy the key
connection-addresses = Where the program connects to
connection-base = The address of the API
connection-token-address = Where it proves itself
connection-id = The connection’s id
connection-done = Done
connection-made = Made by
connection-by-somebody = Somebody who cannot be named
connection-seen = Last used
connection-never = Not yet
connection-until = Works until
connection-end = End
connection-ended = Ended
connection-expired = Its time was over
connection-end-title = End the connection { $name }?
connection-end-what = The program is refused from its next request on. What it has read before is not taken back.
connection-end-button = End { $name }
connection-ended-already = This connection has ended already.
permission-everything = Read everything
permission-everything-hint = Patients, the whole clinical record, who works here; and take all of it out at once. Identifiers stay masked.
permission-patients = See patients
permission-patients-hint = Names, contacts, alerts; identifiers masked
permission-change = Add and change patients
permission-change-hint = Particulars, contacts, identifiers
permission-write = Write in records
permission-write-hint = Add and change entries of all kinds; nothing is ever deleted
permission-allergies = Read allergies
permission-problems = Read problems
permission-medication = Read medication and immunisations
permission-measurements = Read measurements
permission-visits = Read visits, procedures and devices
permission-documents = Read documents and notes
permission-directory = See who works here
permission-identifiers = See identifiers in full
permission-identifiers-hint = Each time with a purpose, which is recorded; and find a patient by one exact number
keys-not-a-set = Paste the public keys as a JWKS: a JSON object with a list called keys.
keys-too-many = Paste 1 to 8 keys, 16 KB at most.
keys-private = This holds a private key, which must never leave the program. Have new keys made, and paste their public halves.
keys-no-id = Give each key a kid of its own.
keys-kind = Use RSA keys of 2048 bits or more for RS384, or EC keys on P-384 for ES384.
done-connected = The connection stands. Its key was shown when it was made; if it is lost, end it and make another.
done-disconnected = The connection has ended.
action-client-read = The connections
action-client-make = Made a connection
action-client-end = Ended a connection
action-client-pass = A program proved itself
action-client-pass-refused = A program did not prove itself
action-record-export = The whole record, to take out

merge-title = This is the same person as…
merge-lead = Look for the other record. Both stay, and it can be taken back.
merge-find = Name, birth date, phone or e-mail of the other record
merge-find-button = Look for it
merge-another = Look for another record
merge-both = Are these the same person?
merge-what = The record at the top stands from then on, with everything that both hold. Nothing is deleted, and whoever opens the other is led here.
merge-swap = Let the other one stand instead.
merge-differing = Where they differ, choose what stays
merge-differing-none = They say the same.
merge-this = In the record that stands
merge-other = In the other record
merge-united = Put together
merge-comes = comes along
merge-entries = { $count ->
    [0] No entries come along
    [one] One entry comes along
   *[other] { $count } entries come along
}
merge-undoable = If they turn out to be two people after all, this can be taken back.
merge-button = Make them one record
merge-names = Names
merge-restricted = The other record is restricted. Afterwards only those named in it may open this one, too.
merge-restricted-both = Both records are restricted. Afterwards only those who are named in both may open this one.
merge-along = { $count ->
    [one] One more record was made one with the other before. It comes along.
   *[other] { $count } more records were made one with the other before. They come along.
}
merge-too-many = That would be more than { $most } records of one person. Take some of them apart first.
merge-conflict = Somebody changed one of these records while you were looking. Look at them again; what you chose is still here.
merges-title = Records made one with this
merges-lead = Each of them is still there and can be taken apart again.
merges-none = None.
merges-since = One since { $day }.
merges-nested = It came along with another record. Take that one apart first.
merges-count = { $count ->
    [one] One record was made one with this
   *[other] { $count } records were made one with this
}
unmerge-title = These are two people after all
unmerge-stays = This record
unmerge-again = Stands for itself again
unmerge-since = One since
unmerge-what = The other record stands again exactly as it was, with its identifiers, alerts and entries.
unmerge-back = Back to what this record said: { $fields }.
unmerge-stay = Changed since, so it stays as it is: { $fields }. Look whether it is right.
unmerge-items = { $count ->
    [one] One contact, address, language or person that came along goes.
   *[other] { $count } contacts, addresses, languages or people that came along go.
}
unmerge-items-stay = { $count ->
    [one] One of those that came along was changed since and stays.
   *[other] { $count } of those that came along were changed since and stay.
}
unmerge-access = Who may open this record goes back to what it was.
unmerge-access-stays = Who may open this record was changed since and stays as it is.
unmerge-entries = { $count ->
    [0] Nothing was written in this record since.
    [one] One entry that was written since stays in this record. If it is about the other person, write it there and take it back here.
   *[other] { $count } entries that were written since stay in this record. Those that are about the other person, write there and take back here.
}
unmerge-button = Take them apart
unmerge-conflict = Somebody changed this record while you were looking. Look again at what would happen.
alike-title = Perhaps the same person
alike-none = Nobody here says much the same.
fault-merged-title = This record was made one with another while you had it open
fault-merged-next = Nothing of this form was saved. Your browser’s way back shows what you typed; every way to the old record leads to the one that stands now.
action-patient-merge = Two records of one person
action-patient-unmerge = Two records taken apart again
action-patient-alike = Among those who may be the same person
field-merged = Made one with
field-passed = Versions passed

## Exports

exports-title = Exports
exports-lead = Records of { $practice } taken out: for a patient, another system, or a practice that moves.
exports-list = Asked for lately
exports-none = Nobody has asked for an export yet.
export-title = An export
export-new = Export the whole practice
export-new-lead = Everything that { $practice } holds, in one file: records with their documents, tables, the log, and pages that any browser shows. Records that are open to named people only are in it.
export-patient-title = Export this record
export-patient-lead = Everything that is held of this patient, in one file: the record with its documents, tables, the log, and pages that any browser shows.
export-of-practice = The whole practice
export-of-patient = One patient
export-what = What
export-state = State
export-state-asked = Waits for agreement
export-state-making = Being made
export-state-ready = Ready
export-state-refused = Refused
export-state-withdrawn = Taken back
export-state-expired = Over
export-state-failed = Could not be made
export-percent = { $percent } % done
export-progress = How much is done
export-look-again = Look again
export-how = Where it is
export-by-host = Whoever runs the computer
export-asked-by = Asked for by
export-asked-at = Asked for on
export-agreed-by = Agreed to by
export-refused-by = Refused by
export-withdrawn-by = Taken back by
export-damaged = Rows that did not open
export-to-patient = To the patient’s record
export-purpose = Why
export-purpose-choose = Choose why
export-purpose-missing = Choose why it is exported
export-recipient = Public key of whoever receives it
export-recipient-hint = It begins with age1. Only the secret key that belongs to it opens the file: not the practice, and nobody here.
export-key-title = Who can open the file
export-key-lead = The file is locked for one key. A key has two halves: the public half locks, and may be known to all; the secret half opens, and stays with whoever receives the records. Without it nobody can open the file, not even we.
export-key-theirs = Best is that whoever receives the records makes the pair, and sends you the public half. With this program they give the command
export-key-here = Or make a pair here. You get a small text file with both halves: paste the public half below, and bring the file to whoever receives the records by another way than the archive. It is shown this once and kept nowhere.
export-key-make = Make a key pair and save it
export-key-file-lead = A key pair for an export. Whoever has this file can open what was exported for it: keep it safe, and apart from the archive.
export-key-file-public = public key: { $key }
export-key-file-secret = The secret key is the next line. Nobody else has it, and nobody can make it again.
export-key-secret = This is the secret key, which opens the file. Paste the public one, which begins with age1, and keep this one to yourself.
export-key-wrong = Paste the whole public key: it begins with age1 and has 62 letters and digits
export-then-second = A second person of the practice must agree: they get a mail. Where there is nobody else who could, it begins after 24 hours, and the owners are told now.
export-then-treats = Somebody who treats patients here must agree: they get a mail. Where there is nobody who could, it begins after 24 hours, and the owners are told now.
export-then-at-once = It begins at once, and stands in the record’s log.
export-ask = Ask for the export
export-note-alone = There is nobody else who could agree, so it begins by itself on { $when }. The owners were told, and can refuse it until then.
export-note-second = It begins when somebody else of the practice agrees. If nobody does, it is over on { $when }.
export-note-treats = It begins when somebody who treats patients here agrees. If nobody does, it is over on { $when }.
export-note-making = The file is being put together. This goes on while you do something else.
export-note-ready = The file can be fetched until { $when }; then it is removed.
export-note-refused = It was refused, and nothing was made.
export-note-withdrawn = It was taken back. What was made of it is removed.
export-note-expired = Its time is over: nobody agreed in time, or the file was kept for its seven days and is removed. Ask for another.
export-note-failed = It could not be made, or the record was made one with another meanwhile. Ask for it again.
export-fetch-title = Fetch the file
export-fetch-lead = It opens with the secret key alone. Whoever receives it checks with the key below that it was made here and that nothing in it was changed.
export-fetch-resume = If the download is cut off, continue it in the browser: it goes on where it stopped.
export-fetch = Download the file
export-prove = Show the download
export-size = Size
export-until = Kept until
export-signed-by = Signed with
export-gone = This file is not there (any more), so it cannot be downloaded
export-agree-title = Agree as the second person
export-agree-lead = Ask whoever wants it what it is for. Once you agree the file is made, and whoever holds the secret key can read everything in it.
export-agree = Agree to the export
export-second-is-first = You asked for this export yourself, so somebody else must agree
export-withdraw-not-yours = Only who asked for it, or an owner, can take it back
export-not-now = This could not be done any more: the export is as it is shown here
export-end-title = Stop it
export-refuse-lead = Refusing ends it. Nothing is exported.
export-refuse = Refuse the export
export-withdraw-lead = Taking it back ends it, and removes what was made. What was downloaded already stays with whoever has it.
export-withdraw = Take the export back
export-record = Export this record

## Proving once more that it is oneself

proof-legend = Show that it is you
proof-hint = An unlocked screen is not enough for this. It holds for ten minutes.
proof-password-missing = Enter your password
proof-first = Show first that it is you

## Bringing records in

imports-title = Bringing records in
imports-lead = Files of an earlier system, brought in to { $practice }. Each can be taken back as long as nobody has worked on what it brought.
imports-count = { $count ->
    [one] { $count } import
   *[other] { $count } imports
}
imports-none = Nothing has been brought in yet. Send a file to begin; nothing is written in a record before you have seen what would happen.
import-new = Bring records in
import-new-lead = Choose the files that your earlier system gave you: a table (CSV), vCards, or FHIR (NDJSON or JSON, several files together).
import-files = Files
import-files-hint = A file may have { $file }. { $practice } in all may wait here at one time.
import-sealed = They are kept sealed, for you to look at and try, and removed when they are brought in or after seven days.
import-send = Send the files
import-title = An import
import-what = Files
import-when = Began
import-came-to = Came to
import-source = Source
import-source-hint = A name for where the files come from. Numbers of one source are never taken for those of another. Keep it the same when you send newer files of the same system.
import-source-wrong = Enter a name for the source, of 60 characters or fewer.
import-by-host = Brought in at the computer that runs Vouchsafe
import-host = Whoever runs the installation
import-no-name = A file without a name
import-and-more = { $name } and { $count } more
import-kind = What the files are
import-kind-hint = Found from what stands in them. Change it only if it is wrong.
import-kind-fhir = FHIR R4 (NDJSON or JSON)
import-kind-csv = A table (CSV)
import-kind-vcard = vCards
import-named = Who may open restricted records
import-named-hint = For records that were open to named people only where they come from. Without anybody named, such records are not brought in.
import-named-wrong = Choose only people who treat patients here.
import-settings = How it is brought in
import-next = What comes next
import-next-columns = Say what the columns of the table are. Nothing is read before that.
import-next-check = Try it first: that changes nothing, and says line by line what would happen.
import-next-bring = Look at what trying it came to. If it is right, bring it in.
columns-no-record-id = No column goes to a record number, so a row that is changed and sent again later will be one more patient.
import-next-go-on = Some of it was brought in already. Bringing it in goes on from there and counts nothing twice.
import-columns = Columns
import-columns-first = Say what the columns are first.
import-check = Try it
import-bring-in = Bring it in
import-state-receiving = Arriving
import-state-ready = Waits for you
import-state-checking = Being tried
import-state-checked = Tried
import-state-bringing = Being brought in
import-state-brought = Brought in
import-state-paused = Paused
import-state-cancelled = Ended half way
import-state-failed = Failed
import-state-expired = Files removed
import-state-undone = Taken back
import-state-undoing = Being taken back
import-state-cut-short = Cut short
import-added = { $count } new
import-matched = { $count } changed or known by a number
import-skipped = { $count } the same
import-rejected = { $count } not taken
import-nothing-yet = nothing yet
import-progress-learning = Looking through the files: { $done } of { $whole }
import-progress = { $done } of { $whole }, { $count ->
    [one] { $count } record
   *[other] { $count } records
}
import-stopping = Stopping after what is at hand
import-undoing-wait = What the import added is being taken away. You can leave this page.
import-look-again = Look again
import-pause = Pause
import-go-on = Go on
import-cancel = End it here
import-done = What it came to
import-so-far = What it came to so far
import-tried = What trying it came to
import-report = Report of an import
import-report-lines = Line by line
import-report-table = Download as a table
import-counts = Counts
import-type = Type
import-total = All together
import-findings = { $count ->
    [one] { $count } line to look at
   *[other] { $count } lines to look at
}
import-findings-none = There is nothing to say of single lines.
import-outcome = What happens
import-place = Where
import-line = Line
import-line-at = line { $line }
import-field = Field
import-why = Why
import-more = { $count ->
    [one] One more line is counted and not listed.
   *[other] { $count } more lines are counted and not listed.
}
outcome-add = New
outcome-match = Changed or known by a number
outcome-skip = The same
outcome-keep = Kept as it came
outcome-warn = To look at
outcome-reject = Not taken
import-files-kept = The files are removed on { $day } at { $time }, or when they are brought in.
import-files-gone = The files have been removed.
import-discard = Remove the files now
import-not-now = This was no longer possible: the import has moved on. The page shows where it is now.
import-running = Another import is under way, being taken back or paused. Wait until it is done, or end it, and try again.
import-gave-up = It was tried several times and could not be finished. What was brought in stays; you can go on or take it back.
import-undo = Take back
import-undo-title = Take this import back?
import-undo-do = Take it back
import-undo-back = Back to the import
import-undo-what = { $patients ->
    [one] One patient
   *[other] { $patients } patients
}, { $entries ->
    [one] one entry
   *[other] { $entries } entries
} of records and { $kept ->
    [one] one other resource
   *[other] { $kept } other resources
} go away. The log keeps, sealed, what they said. The same files can be brought in again afterwards.
import-undo-changed = { $count ->
    [one] One record that was here before was changed by it and stays as it is now.
   *[other] { $count } records that were here before were changed by it and stay as they are now.
}
import-undo-stopped = { $count ->
    [one] One of the patients it brought has been worked on since, so nothing can be taken back:
   *[other] { $count } of the patients it brought have been worked on since, so nothing can be taken back:
}
import-undo-first = The first { $count } of them are listed.
import-undo-later = A later import changed some of what it brought. Take that one back first.
import-undo-already = This import has been taken back already.
import-undo-running = Another import is under way. Wait until it is done, then take this one back.
import-undo-worked-on = It was not taken back: somebody has worked on a patient it brought. All stays as it is.
import-undo-failed = It could not be taken back to its end. Ask for it again: it goes on from there.
import-undone = This import has been taken back.
size-bytes = { $count ->
    [one] { $count } byte
   *[other] { $count } bytes
}
size-kilobytes = { $size } KB
size-megabytes = { $size } MB
size-gigabytes = { $size } GB
upload-nothing = Choose a file.
upload-too-many = Choose { $most } files or fewer.
upload-too-large = { $name } is larger than { $size }. Split it, or have it brought in at the computer that runs Vouchsafe.
upload-full = This practice has { $size } of files waiting already. Bring them in or remove them, and send these again.
upload-empty = { $name } is empty. Export it again.
upload-pdf = { $name } is a PDF, whatever its name says. Export the records as a table (CSV), vCards or FHIR.
upload-spreadsheet = { $name } is a workbook of a spreadsheet. Open it there and save the sheet as CSV (UTF-8).
upload-packed = { $name } is a packed archive. Unpack it and choose the files in it.
upload-no-text = { $name } is no text. Export the records as a table (CSV), vCards or FHIR.
upload-not-together = Several files can be brought in together only if all of them are FHIR. Send tables and vCards one at a time.
import-columns-lead = Say where each column goes. Below you see the first rows as they would become patients.
import-written = How the file is written
import-encoding = Encoding
import-encoding-hint = If letters with accents look wrong below, choose another and read it again.
import-separator = Between cells
separator-comma = Comma
separator-semicolon = Semicolon
separator-tab = Tab
separator-bar = Vertical bar
import-header = The first row
import-header-yes = has the names of the columns
import-header-no = is a patient
import-read-again = Read it again
import-dates = Birth dates
import-dates-hint = 03/04/1980 is two days. Say how your file means it.
import-genders = Words for a gender
import-genders-hint = Only where they are none of the usual. One on each line: H = male. After the sign stands male, female, other or unknown.
import-columns-count = { $count ->
    [one] { $count } column
   *[other] { $count } columns
}
import-column = Column
import-column-number = Column { $number }
import-samples = For example
import-target = Goes to
import-columns-save = Save the columns
import-preview = The first rows as patients
import-preview-show = Show the preview
import-preview-foot = That you have seen these rows stands in “Who saw what”.
import-preview-alert = Alert: { $alert }
import-preview-notes = { $count ->
    [one] One note
   *[other] { $count } notes
}
import-preview-numbers = { $count ->
    [one] One number
   *[other] { $count } numbers
}
import-said = To be said
import-refused = Not taken
columns-unreadable = The first row of this file cannot be read as a table. Choose another separator or encoding, or export it again.
columns-encoding = This encoding is not known here. Choose another.
columns-separator = Choose what stands between the cells.
columns-other = These columns are not those of the file. Read it again and look at each column.
columns-no-name = No column goes to a name. Choose at least the family name, the given name or the whole name.
columns-twice = Columns { $first } and { $second } go to the same field. Choose one of them, and keep or leave out the other.
columns-dates = Column { $column } has birth dates whose day and month could be either (line { $line }, say). Choose their order.
columns-genders = Column { $column } says H for a gender, so M may be a man or a woman. Say what both mean: H = male, say.
columns-genders-line = Write line { $line } as a word, an equals sign, and male, female, other or unknown.
action-import-send = Sent files to be brought in, or said how they are read
action-import-preview = Saw the first rows of files that were sent
action-import-ask = Had an import tried or brought in, paused it or ended it
action-import-ask-undo = Asked for an import to be taken back
action-import-gather = Read files that were sent
action-import-keep = Noted how far an import is
