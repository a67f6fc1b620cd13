"""Why a source row was not loaded: every reason code with the sentence a person reads."""

REASONS: dict[str, str] = {
    "no_id": "The row has no FileMaker id.",
    "bad_id": "The FileMaker id is not a UUID in the form 8-4-4-4-12, without braces or prefix.",
    "duplicate_id": "Several rows of the export carry this FileMaker id with different content.",
    "no_last_name": "The person has no last name.",
    "no_name": "The row has no name.",
    "no_contact": "The row names no contact.",
    "unknown_contact": "The contact that the row names is not among the patients in Nexus.",
    "no_referrer": "The row names no referrer.",
    "unknown_referrer": "The referrer that the row names is not among those in Nexus.",
    "unknown_coordinator": "The support coordinator that the row names is not in Nexus: the name has no last name.",
    "no_company": "The row names no company.",
    "unknown_company": "The company that the row names is not among those in Nexus.",
    "no_owner": "The row names nobody whose number or address it is.",
    "unknown_owner": "The owner that the row names is not in Nexus, neither as a patient nor as a referrer or company.",
    "no_patient": "The note names no patient.",
    "unknown_patient": "The patient that the note names is not among the patients in Nexus.",
    "unknown_batch": "The batch of the image is not in Nexus: load image_batches first.",
    "no_start_date": "The appointment has no start date.",
    "empty_note": "The note has no text.",
    "no_record": "The file in the bucket has no row in the export.",
    "ambiguous_file": "Several files in the bucket claim this one record; the one that was loaded, if any, stays.",
    "ambiguous_record": "Several different rows of the export describe this one file.",
    "empty_file": "The file in the bucket has no content.",
    "file_too_large": "The file in the bucket, or its thumbnail, has 2 GiB or more: no size in Nexus can be that large.",
    "unreadable_date": "A date can't be read in the order of day and month that the file has.",
    "unreadable_time": "A time of day can't be read.",
    "unreadable_number": "A number can't be read.",
    "already_there": "Another row of Nexus holds what only one row may hold, such as this pair of a patient and a referrer.",
    "too_long": "A value is longer than its column in Nexus.",
    "refused_by_check": "A CHECK constraint of the table in Nexus refuses the row; the remarks of the load name the constraint.",
}
"""Reason code of a reject, as kept in nexus_assets.reject, and what it means."""

NOT_BY_A_CELL: dict[str, str] = {
    "ambiguous_file": "Remove all but one of the files, whose keys differ in case, ending or folder alone, then load again.",
    "ambiguous_record": "Remove the wrong rows in FileMaker, and export again.",
    "empty_file": "Upload the file again.",
    "file_too_large": "Replace the file by a smaller one, or take it out of the prefix and its row out of FileMaker, then load again.",
    "already_there": "Correct or delete the other row in Nexus, or this one in FileMaker, then load again.",
    "unknown_batch": "Load image_batches, then images.",
}
"""Reasons that no other text in a cell of the row could correct, and what corrects them."""

DECIDED_BY_NEXUS = frozenset({"already_there", "refused_by_check"})
"""Reasons that may be gone although the row, its parents and the mapping are as they were."""

NOTICES: dict[str, str] = {
    "unknown_clinic": "Rows whose clinic is not in Nexus; the column stays empty.",
    "unknown_clinician": "Rows whose clinician is not in Nexus; the column stays empty.",
    "unknown_appointment_type": "Rows whose type is not in Nexus; the column stays empty.",
    "unknown_funding": "Rows whose funding source is not in Nexus; the column stays empty.",
    "unknown_status": "Rows with a status that Nexus does not have: a new appointment is scheduled, a new referral active.",
    "unknown_sex": "Patients with a gender that Nexus does not have; the column stays empty.",
    "unknown_flag": "Rows with neither yes nor no in a column such as Primary; it is read as empty.",
    "end_before_start": "Appointments whose end lay before their start; they end when they start.",
    "no_time_of_day": "Appointments at midnight without a length, as FileMaker has them; Nexus's calendar shows none before 07:00.",
    "unreadable_birth_date": "Patients whose date of birth can't be read; its text is kept in the metadata.",
    "unreadable_plan_date": "Patients whose NDIS plan's start can't be read; the link to the coordinator has no date.",
    "unlinked": "Documents whose patient is not known; loaded without a link.",
    "files_without_row": "Files of which the export says nothing; loaded with what the file itself states.",
    "entries_without_value": "Rows without number or address, such as an email that has no @; the remarks name the first.",
    "entries_of_unknown_type": "Rows of another type than Mobile, Phone, Fax, Email or Address; the remarks name the first.",
    "rows_of_others": "Rows of the export that belong to rows of another entity, whose load reads them.",
    "rows_without_key": "Rows of the export that name none, such as a referrer without a specialty.",
    "rows_without_file": "Rows of the export whose file is not in the bucket.",
    "looks_like_an_existing_row": "New rows like one that Nexus has already (same patient and start, or same patient and text).",
    "corrected": "Rows that stand as somebody corrected them (rejects retry) for as long as FileMaker has the faulty ones.",
    "unshown_value": "Cells that hold nothing but a question mark, FileMaker's sign for a number or date that it can't show.",
    "null_text": "Cells that hold another program's word for no value, such as NULL or NaN; the remarks name column and record.",
    "shortened_number": "Numbers that another program has rewritten (8.00361E+15, 29501.0); the remarks name column and record.",
    "cut_text": "Texts of exactly 255, 32,767 or 65,535 characters, where other programs' cells end; the remarks name column and record.",
    "escaped_text": 'Cells that another program has written as HTML (&eacute;), formulas (="0123") or escapes; see the remarks.',
    "damaged_text": "Texts with lost letters, or read in a wrong encoding before; the remarks name column and record.",
    "swapped_dates": "Dates of which Excel has swapped day and month; the remarks name column and record.",
    "undecided_date_order": "Date columns in which every value reads both ways; the setting decided.",
    "doubtful_date_order": "Date columns with many dates of either order: those of them that read both ways may be read wrong.",
}
"""Code of something worth telling of rows that were loaded all the same, and what it means."""

OF_NEW_ROWS = ("looks_like_an_existing_row",)
"""Notices of the load that inserted the rows, and of no later one."""

ALL_ROWS_OF_A_KEY = "Rows of one owner beside the first: what they hold is loaded with it."
"""What became of the collapsed rows of an entity that gathers what all rows of a key hold."""

ONE_ROW_OF_A_KEY = "Rows that name the same as another: the one with the latest date counts, of equally late ones the first in the export."
"""What became of the collapsed rows of an entity whose id is a key."""
