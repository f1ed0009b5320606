# SPDX-License-Identifier: Apache-2.0
"""What is shipped: from rules on a branch to a decision on a Runner, and its audit.

A tour, in the order of the bytes::

    rule, finding   one rule and what can be wrong with it; rule_metadata: what it says
    rego/           the engine, in a limited child process; the subset that is allowed
    confine         what an overlay may carry; signer, publisher and Runner share it
    lint/           confinement and more, for the author; schemas/: the input document
    parameter_paths what of the parents a rule may read; profile: tools that there are
    ratchet/        whether a rule only adds strictness: proved, or refused
    overlay         the folder on the branch; overlay_entries: what may lie in it;
                    beside: what stands beside a rule; overlay_retired: what one
                    that left has left; overlay_waivers: exceptions from packs
                    layers: constitution and packs

    build           rules -> one OPA bundle (manifest, inventory, archive, stored_gzip)
    tuf/            a workspace's repository: judged, published, fetched
    layout          trust and release for stock in-toto-verify
    pending         a release that waits for further signatures; chain_names: where
                    releases lie by digest
    storage/        where its objects lie, durably
    trust_proposal  what admins are asked to sign, judged; trust_diff: in words;
                    trust_diff_parts: of the trusted root; difference: one sentence;
                    trust_event: whether it is true; trust_instances: of Sigstore's;
                    trust_authorities: who outside says when;
                    trust_rules: floor, thresholds, ages, withdrawn waivers
    doctor          what the property lacks; diagnosis: what it finds
    move            from embedded to sovereign, judged; embedded: what it begins from;
                    move_people: who may be trusted afterwards; move_diff: in words

    gate/           a release and all it stands on -> accepted or refused. Start here
    decide          layers and a proposal -> denies; waivers: which of them go;
                    decision: the record of it
    runner/, marks  fetch, gate, activate; what was seen and is never gone below
    verifier        the gate and the decision for somebody else's program
    audit/          evidence packs, and the same gate at a past instant

    errors, limits  every leaf has a code, every bound a reason

Laws: whoever publishes, runs or replays asks the same functions; time is an argument;
what cannot be decided is refused; a refusal changes nothing.

Example, the same rules are the same bytes anywhere:
    >>> from bundle.archive import content_digest, gzip_stored, pack_tar, unpack
    >>> files = {"rules/acme.a/acme.a.rego": b"package overlay.acme_a"}
    >>> archive = gzip_stored(pack_tar(files))
    >>> unpack(archive) == files
    True
    >>> content_digest(archive).short
    '45816289752e'

Nothing is imported here: a linter of Rego needs no cryptography and no TUF.
"""
