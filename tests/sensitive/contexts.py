"""The variable that usually holds a token, and the host that takes it."""

CONTEXTS = {
    "anthropic-key": ("ANTHROPIC_API_KEY", "api.anthropic.com"),
    "age-key": ("SOPS_AGE_KEY", "vault.shop.eu"),
    "atlassian-token": ("JIRA_API_TOKEN", "shop.atlassian.net"),
    "aws-access-key-id": ("AWS_ACCESS_KEY_ID", "s3.eu-west-1.amazonaws.com"),
    "aws-bedrock-key": ("AWS_BEARER_TOKEN_BEDROCK", "bedrock.eu-west-1.amazonaws.com"),
    "aws-session-token": ("AWS_SESSION_TOKEN", "sts.amazonaws.com"),
    "azure-account-key": ("STORAGE_KEY", "shop.blob.core.windows.net"),
    "azure-cask-key": ("AZURE_DEVOPS_EXT_PAT", "dev.azure.com"),
    "azure-client-secret": ("AZURE_CLIENT_SECRET", "login.microsoftonline.com"),
    "azure-shared-access-key": ("EVENTHUB_KEY", "shop.servicebus.windows.net"),
    "databricks-token": ("DATABRICKS_TOKEN", "adb-1.azuredatabricks.net"),
    "discord-bot-token": ("DISCORD_TOKEN", "discord.com"),
    "dynatrace-token": ("DT_API_TOKEN", "abc.live.dynatrace.com"),
    "gcp-api-key": ("GOOGLE_API_KEY", "maps.googleapis.com"),
    "github-token": ("GITHUB_TOKEN", "api.github.com"),
    "gitlab-token": ("GITLAB_TOKEN", "gitlab.com"),
    "hugging-face-token": ("HF_TOKEN", "huggingface.co"),
    "mailchimp-key": ("MAILCHIMP_API_KEY", "us5.api.mailchimp.com"),
    "npm-token": ("NPM_TOKEN", "registry.npmjs.org"),
    "openai-key": ("OPENAI_API_KEY", "api.openai.com"),
    "pypi-token": ("TWINE_PASSWORD", "upload.pypi.org"),
    "stripe-key": ("STRIPE_SECRET_KEY", "api.stripe.com"),
    "telegram-bot-token": ("TELEGRAM_TOKEN", "api.telegram.org"),
    "twilio-key": ("TWILIO_API_KEY", "api.twilio.com"),
    "vault-token": ("VAULT_TOKEN", "vault.shop.eu:8200"),
}


def context(detector: str) -> tuple[str, str]:
    """A variable and a host; those of services not listed are made of the detector's name."""
    service = detector.rsplit("-", 1)[0]
    made = detector.upper().replace("-", "_"), f"api.{service}.io"
    return CONTEXTS.get(detector, made)
