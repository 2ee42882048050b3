"""A neurashed graph out of a trained network: units that fire together are nodes, firing that follows firing is a path.

Su (2024) asks in section 4 which unit of a network corresponds to a node, and supposes: a few neurons of a layer that
are often activated at the same time. This is that answer made exact, so that it can fail.
"""
