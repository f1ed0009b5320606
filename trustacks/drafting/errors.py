# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a provider, and with what it writes."""

from keys.errors import ConfigurationError, RuleError, UnavailableError


class DraftProviderMissingError(ConfigurationError):
    """No provider is configured: a draft starts from a template instead."""

    code = "draft-provider-missing"


class DraftProviderError(UnavailableError):
    """The provider gave no answer: no connection, too slow, or a fault of its own."""

    code = "draft-provider"


class DraftProviderRefusedError(UnavailableError):
    """The provider refused: the key, the model, or too many requests."""

    code = "draft-provider-refused"


class DraftProviderAnswerError(UnavailableError):
    """What came back is no answer of an OpenAI-compatible endpoint."""

    code = "draft-provider-answer"


class DraftRefusedError(RuleError):
    """The last draft does not pass either."""

    code = "draft-refused"


class RuleUncommittedError(RuleError):
    """A rule with changes that are in no commit; a draft would write over them."""

    code = "rule-uncommitted"
