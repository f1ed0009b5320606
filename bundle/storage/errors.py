# SPDX-License-Identifier: Apache-2.0
"""What a store refuses beyond the duties of all stores."""

from keys.errors import ConfigurationError


class S3NotInstalledError(ConfigurationError):
    """S3 was chosen, and the library that speaks to it is not installed."""

    code = "s3-not-installed"
