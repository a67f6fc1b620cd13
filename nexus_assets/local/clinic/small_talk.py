"""The sentences of which the demo clinic's notes are made: invented clinical small talk."""

from __future__ import annotations

# Formatted with a side, a place on the foot, and two numbers: most notes are therefore unlike any other.
OPENINGS = (
    "Reviewed {side} {place}; comfortable in the new orthoses for {number} days out of the last {other}.",
    "Seen for fitting. {side} device trimmed {number} mm at the {place}, wears {other} hours a day so far.",
    "Assessed gait over {number} metres. Some rubbing at the {side} {place} after {other} minutes of walking.",
    "Casting today, {side} foot in neutral. {place} circumference {number} cm, length {other} mm.",
    "Phone call: the {side} shoe is tight at the {place}. Suggested {number} minutes on the stretcher, then {other} more.",
    "Collected {number} pairs of socks and the {side} boot; {place} padding replaced, {other} mm poron.",
    "Scan taken on both sides, {side} {place} repeated {number} times because of movement, file {other}.",
    "Order placed for the {side} shoe, last {number}, width {other}, extra depth at the {place}.",
)
SIDES = ("left", "right", "L", "R", "both, mostly left", "both, mostly right")
PLACES = (
    "heel",
    "forefoot",
    "medial arch",
    "lateral border",
    "ankle",
    "big toe",
    "fifth met head",
    "navicular",
    "Achilles",
)

SENTENCES = (
    "Walks the dog round the billabong every evening without trouble.",
    "Skin intact, no redness.",
    "Slight callus, debrided.",
    'Says "best pair so far", and asked for the same again in black.',
    "Leg length checked: 4 mm raise kept on the left.",
    "Mum reports fewer falls at school, and he now keeps up with his brother at cricket.",
    "To trial the softer top cover for three weeks before we decide.",
    "Referred back to the GP about the swelling.",
    "Old insoles are worn through under the heel; photographs taken for the file.",
    "Velcro straps preferred to laces because of stiff fingers.",
    "Plan review is due in spring, quote to be sent before then.",
    "Range of motion: dorsiflexion 5°, plantarflexion 30°, pain-free.",
    "Advised to wear them two hours on the first day, then build up by an hour a day.",
    "Discussed footwear with a firm heel counter and a wide toe box.",
    "No change since last time.",
    "The coordinator asked for a short report; to be written this week.",
    "Workshop to add a 6 mm rocker sole and to check the glue line on the outer edge.",
    "Prefers to be seen late in the day, after the school bus.",
    "Sensation reduced at three of ten sites with the monofilament.",
    "Wound on the second toe has closed; dressing no longer needed.",
    "Will bring the other pair next time so that we can compare the wear.",
    "Fits well, paid by card, receipt given.",
    "Café au lait coloured leather chosen for the uppers, size 38½.",
    "Tip-toe stance held for ten seconds on each side.",
    "Knee valgus less marked with the new posting, video saved.",
    "Not home on the first visit; a card was left at the door.",
    "Shoes are heavy, he says, but stable on the slope behind the house.",
    "Return in six weeks, sooner if sore.",
    "Toe filler shaped from plastazote, edges bevelled.",
    "Approval from the funder has not arrived yet: ring them on Monday.",
    "Balance, strength and confidence all better than in autumn.",
    "Boots resoled once already, uppers still good for a year.",
)
LINE_BREAKS = ("\n", "\n\n", "\nPlan: ", "\n- ")
ADDENDUM = " Addendum: spoke again the day after, all well."
