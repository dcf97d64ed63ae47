from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Users and credits"

    def ready(self) -> None:
        from accounts import checks  # noqa: F401
