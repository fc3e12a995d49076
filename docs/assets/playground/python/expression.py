"""An expression, its graph and its ledger, for the playground."""

import scalargrad as sg
from session import run


def look(text):
    namespace = {"sg": sg, "Value": sg.Value, "nn": sg.nn}
    output = run(text, namespace)
    return {"dot": sg.graph.to_dot(output), "ledger": [e._asdict() for e in sg.graph.ledger(output)]}
