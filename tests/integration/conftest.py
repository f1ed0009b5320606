# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.simulators.s3 import REGION


@pytest.fixture
def s3_settings(s3):
    """What an operator sets to keep workspaces in a bucket."""
    return {
        "storage": f"s3://{s3.name}/trust/v1",
        "s3_endpoint_url": s3.url,
        "s3_region": REGION,
    }
