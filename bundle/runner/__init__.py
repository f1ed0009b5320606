# SPDX-License-Identifier: Apache-2.0
"""The Runner: nothing activates that was not earned, and nothing gets weaker.

``Runner.step`` refreshes, judges, activates and reports; ``Runner.decide`` answers.
The rooms: ``collect`` gathers bytes, ``bundle.gate`` judges them, ``activate`` puts
them in force, ``active`` is what decides, ``decisions`` keeps the records, ``state``
and ``store`` are the disk, ``report`` and ``notary`` tell the Control Plane.
"""
