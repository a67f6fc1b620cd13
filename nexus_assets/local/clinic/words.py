"""The words that the demo clinic is made of, and the canaries among them. Nobody here exists: people are named after plants and birds."""

from __future__ import annotations

# Strings that occur in patient data only. One of them in a log, an alert or a report is a leak.
CANARY_FIRST_NAME = "Zzyzxanne"
CANARY_LAST_NAME = "Zzyzxworth"
CANARY_HEALTH_NUMBER = "ZZYZX-0000"
CANARY_NOTE = "zzyzx-murmur"
CANARY_FILE_NAME = "zzyzx-scan"

CANARIES = (CANARY_FIRST_NAME, CANARY_LAST_NAME, CANARY_HEALTH_NUMBER, CANARY_NOTE, CANARY_FILE_NAME)

FIRST_NAMES = (
    "Acacia", "Alby", "Ambrose", "Anouk", "Arlo", "Aster", "Basil", "Beatrix", "Birdie", "Blair", "Bonnie", "Bram",
    "Briar", "Callum", "Cassia", "Cedric", "Clementine", "Clover", "Cosmo", "Dahlia", "Darcy", "Delphine", "Dot",
    "Edith", "Elowen", "Enzo", "Fern", "Flora", "Freya", "Gilbert", "Ginger", "Greta", "Hamish", "Hattie", "Hugo",
    "Ines", "Iris", "Ivo", "Jacinta", "Juniper", "Kit", "Laurel", "Linnea", "Lorcan", "Lupin", "Mabel", "Magnolia",
    "Minh", "Moss", "Myrtle", "Nan", "Ngaire", "Olive", "Oscar", "Otis", "Pearl", "Perry", "Poppy", "Quentin",
    "René", "Rosalind", "Rowan", "Saffron", "Sage", "Sorrel", "Tansy", "Teddy", "True", "Tilly", "Una", "Vera",
    "Viola", "Wilf", "Willow", "Xanthe", "Yarrow", "Yusuf", "Zinnia", "Zoë",
)  # fmt: skip
# "Null", "Nan" and "True" are names too: a reader that takes them for missing values or booleans loses a person.
LAST_NAMES = (
    "Apostlebird", "Bandicoot", "Banksia", "Bellbird", "Bilby", "Bluegum", "Boobook", "Boronia", "Bottlebrush",
    "Bowerbird", "Brolga", "Bronzewing", "Butcherbird", "Cassowary", "Coolabah", "Coolamon", "Corella", "Currawong",
    "Curlew", "Dingo-Daisy", "Dotterel", "Fantail", "Figbird", "Finch", "Frogmouth", "Galah", "Gannet", "Geebung",
    "Grevillea", "Hakea", "Honeyeater", "Ironbark", "Jabiru", "Jacaranda", "Jacky-Winter", "Kangaroo-Paw", "Kestrel",
    "Kookaburra", "Kurrajong", "Kwongan", "Lapwing", "Lillypilly", "Lorikeet", "Lyrebird", "Magpie", "Mallee",
    "Melaleuca", "Mulga", "Müller-Myna", "Nguyễn-Numbat", "Null", "O'Wattle", "Oystercatcher", "Pardalote", "Peewee",
    "Pelican", "Potoroo", "Quandong", "Quokka", "Quoll", "Rosella", "Saltbush", "Sandpiper", "Shrike-Thrush",
    "Silvereye", "Sittella", "Snowgum", "Spinebill", "Spinifex", "St. Stringybark", "Stilt", "Tawny", "Treecreeper",
    "Triller", "Turpentine", "van der Veldt-Wren", "Waratah", "Warrigal", "Wattlebird", "Weebill", "Whipbird",
    "Whistler", "Wombat", "Woodswallow", "Yabby", "Yellowtail",
)  # fmt: skip
MIDDLE_NAMES = ("", "", "", "", "Jo", "Lee", "Wren", "Robin", "Mae", "Ash", "T.", "van Diemen")

# (spelling, how often): what people typed over the years.
TITLES = {"": 30, "Mr": 70, "Mrs": 50, "Ms": 40, "Miss": 25, "Master": 12, "Mr.": 9, "MRS": 5, "Dr": 4, "Mstr": 2, "Dr.": 2,
          "ms ": 2, "Prof": 1, "Sr": 1, "mr": 1}  # fmt: skip
GENDERS = {"M": 60, "F": 60, "Male": 20, "Female": 20, "": 12, "male": 4, "f": 3, "Man": 1, "woman": 1, "X": 1, "Other": 1,
           "non-binary": 1, "unknown": 1}  # fmt: skip
FUNDINGS = {"NDIS": 60, "ndis": 8, "NDIS ": 3, "Enable NSW": 25, "enable nsw": 6, "ENABLE NSW": 2, "DVA": 12, "Private": 25,
            "private": 8, "Medicare": 12, "Workers Compensation": 4, "": 20, "Lions Club": 2, "Self funded": 3}  # fmt: skip
AREAS = ("", "North", "South", "Coast", "Tablelands", "River")
CONTACT_TYPES = ("Patient", "Patient", "Patient", "Client", "")
DIABETES = ("", "", "", "No", "Yes", "Type 1", "Type 2")

APPOINTMENT_TYPES = {"Initial Consult": 20, "Review": 40, "review": 4, "Fitting": 25, "Casting": 12, "Scan": 9, "Delivery": 14,
                     "Home Visit": 4, "Workshop": 6, "": 8, "Follow up": 3, "3D print pick-up": 2}  # fmt: skip
APPOINTMENT_NOTES = (
    "", "", "", "Bring old shoes", "Parking at the rear", "Prefers mornings", "Carer will attend",
    "Second pair, brown", "Running late – rang ahead", "Invoice to plan manager", "Check toe filler",
    "Wheelchair access needed", "New strap, left", "Size 9½ E", "Confirmed by \"Mum\", twice",
    "Collect AFO\nTake photos", "Toddler: allow extra time",
)  # fmt: skip
DIARY_ENTRIES = (
    "Lunch", "Staff meeting", "Annual leave", "Workshop day", "Courier pick-up", "RDO", "Training: scanner",
    "Public holiday", "Clinic closed", "School run", "Supplier visit", "Clean milling machine",
)  # fmt: skip

COMPANY_KINDS = ("Medical Centre", "Family Practice", "Physiotherapy", "Plan Management", "Community Health")
COMPANY_TYPES = {"Medical Practice": 40, "medical practice ": 4, "NDIS Provider": 15, "NDIS plan manager": 5, "Physiotherapist": 8,
                 "Other": 4, "": 12}  # fmt: skip
SPECIALTIES = {"GP": 90, "Podiatrist": 30, "Physiotherapist": 25, "Orthopaedic Surgeon": 18, "Rheumatologist": 8, "Paediatrician": 8,
               "Endocrinologist": 6, "Vascular Surgeon": 5, "Neurologist": 4, "Rehabilitation Physician": 4, "Occupational Therapist": 6,
               "Sports Physician": 3, "Diabetes Educator": 3, "Exercise Physiologist": 3, "Nurse Practitioner": 2, "Geriatrician": 2,
               "Plastic Surgeon": 1, "Dermatologist": 1, "Chiropractor": 2, "Osteopath": 1, "Social Worker": 1,
               "gp": 6, "GP ": 4, "podiatrist": 2, "": 8}  # fmt: skip

ORGANISATIONS = ("Saltbush Care", "Bunyip Plans", "Quandong Support", "Billabong & Co", "Tea-Tree Community Services")

COMMUNICATION_LABELS = ("", "", "", "Home", "Work", "Mobile", "Carer", CANARY_FIRST_NAME)
STREETS = ("Bay Road", "Old Mill Lane", "Quandong Street", "Wattle Grove", "Station Street", "Lighthouse Track")
SUBURBS = (("Acton", "ACT", "2601"), ("Newtown", "NSW", "2042"), ("Darwin", "NT", "0800"), ("Manly", "NSW", "2095"),
           ("Orange", "NSW", "2800"))  # fmt: skip

NOTE_TYPES = {"Clinical Notes": 60, "Clinical notes": 6, "Clinic dates": 18, "Clinic Date": 3, "Order notes": 14, "Admin Notes": 10,
              "admin": 4, "Referral": 6, "3D scan data": 8, "Scan": 2, "Workshop Note": 9, "Clincal note": 1, "Phone call": 3,
              "": 5}  # fmt: skip
ACCOUNTS = ("wren.figtree", "jasper", "Marnie L", "otto.bandicoot", "Hazel", "Admin", "")

DOCUMENT_TYPES = {"Purchase Order": 40, "ERF": 35, "enable NSW application": 20, "Referral": 25, "Remittance Advice": 12,
                  "Quote": 30, "Medical": 12, "prescription": 8, "X-Ray": 4, "Consent": 9, "Insurance": 2, "Invoice": 25,
                  "Other": 6, "NDIS Plan": 5, "Letter to GP": 3, "purchase_order": 1, "": 2}  # fmt: skip

IMAGE_TYPES = {"Left Plantar": 20, "Right Plantar": 20, "Dorsal": 14, "L-Brannock": 8, "R-Brannock": 8, "Left Lat": 8,
               "Right Lat": 8, "Posterior": 7, "Anterior": 5, "Medial": 4, "Lateral": 4, "Shoe": 4, "R Shoe": 3, "L Shoe": 3,
               "planter": 2, "Left planter": 2, "Casts": 3, "AFO": 3, "Left Leg": 2, "Right Leg": 2, "Wound": 2, "X-Ray": 1,
               "CMO": 2, "R-Mfoot Length": 1, "L-Mfoot Width": 1, "Referral": 1, "": 6, "gait": 1, "Orthoses": 1}  # fmt: skip
PICTURE_NAMES = (
    "left foot",
    "right foot",
    "both feet",
    "shoe outer",
    "cast L",
    "cast R",
    "standing",
    "heel",
    "toes",
    "old orthosis",
)
