"""What staff fill in about a user; the services judge it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import AdminSite, widgets
from django.contrib.auth.models import Group

from accounts import door, emails, passwords, profile, usernames
from accounts.admin import of_client
from accounts.admin.custom_values import field_for, name_of
from accounts.models import NAME_MAX_LENGTH, CustomField, Membership, Role, Team, User
from accounts.models.user import EXTERNAL_ID_MAX_LENGTH
from accounts.services import sign_ins, users
from accounts.services.unset import UNSET, Unset
from usermgmt.admin import words
from usermgmt.admin.forms import JsonObject, Lines, ServiceForm, ServiceModelForm, Text, Throttled
from usermgmt.admin.widgets import Rows, RowsSelect
from usermgmt.errors import Fault, InvalidCredentials, TooManyRequests, fragment

_COLUMNS = (
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "email",
    "username",
    "nickname",
    "bio",
    "status_text",
    "email_verified",
    "must_change_password",
    "external_id",
    "featured",
    "public_profile",
)
"""Fields of the form that are columns of the same name."""

Values = dict[str, Any]


def _text(label: str, length: int, help_text: str = "", *, required: bool = False) -> Text:
    widget = widgets.AdminTextInputWidget(attrs={"autocomplete": "off"})
    return Text(label=label, max_length=length, help_text=help_text, required=required, widget=widget)


def _secret(label: str, autocomplete: str = "new-password") -> Text:
    widget = forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": autocomplete})
    return Text(label=label, strip=False, required=False, widget=widget)


class _Duty(forms.Form):
    """Whether the user must change the password."""

    must_change_password = forms.BooleanField(
        label="Must change the password",
        required=False,
        help_text="The user signs in with it, and can do nothing before there is another one.",
    )


class _PasswordFields(_Duty):
    """A password typed twice, or none."""

    usable_password = forms.ChoiceField(
        label="Sign-in",
        choices=[("true", "With the password below"), ("false", "Not at all: no password, until one is set")],
        initial="true",
        widget=widgets.AdminRadioSelect(attrs={"class": "radiolist"}),
    )
    password = _secret("Password")
    password_confirmation = _secret("Password again")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Somebody else will sign in with it; the form of one's own password does not ask.
        self.fields["must_change_password"].initial = passwords.must_change(staff=True)

    def new_password(self) -> tuple[str | None, list[Fault]]:
        """The password wished for (None: none), and what is wrong with its second typing."""
        if self.cleaned_data.get("usable_password") in ("false", "invite"):
            return None, []
        password, again = self.cleaned_data["password"], self.cleaned_data["password_confirmation"]
        return password, passwords.check_confirmation(password, again) if password else []


def _put(form: forms.BaseForm, name: str, widget: RowsSelect) -> None:
    """Give the field `name` its widget, which knows no rows by itself."""
    field: Any = form.fields[name]
    widget.choices = field.choices
    field.widget = widget


class _UserForm(ServiceModelForm, _Duty):
    """The facts of a user, the password apart.

    site, definitions: the admin site, and what custom fields there are; whoever makes the class for a request says so.
    """

    site: ClassVar[AdminSite]
    definitions: ClassVar[list[CustomField]]

    name = _text("Name", NAME_MAX_LENGTH, "As shown to everybody.")
    given_name = _text("Given name", NAME_MAX_LENGTH)
    middle_name = _text("Middle name", NAME_MAX_LENGTH)
    family_name = _text("Family name", NAME_MAX_LENGTH)
    email = _text("E-mail", emails.MAX_LENGTH, required=True)
    username = _text("User name", usernames.MAX_LENGTH)
    role = forms.ChoiceField(
        choices=[
            (Role.USER, "Regular user: belongs to the client below"),
            (Role.ADMINISTRATOR, "Administrator: belongs to no client, and may do everything"),
        ],
        initial=Role.USER,
        widget=widgets.AdminRadioSelect(attrs={"class": "radiolist"}),
    )
    active = forms.BooleanField(required=False, initial=True, help_text="Who is not active can't sign in.")
    email_verified = forms.BooleanField(label="E-mail verified", required=False)
    roles = Rows(
        Group.objects.all(),
        label="Roles given",
        required=False,
        help_text="What they let a regular user do to others of the client. Who has none given is a user.",
    )
    nickname = _text("Nickname", profile.NICKNAME_MAX_LENGTH)
    status_text = _text("Status text", profile.STATUS_TEXT_MAX_LENGTH)
    bio = Lines(
        label="Bio",
        required=False,
        max_length=profile.BIO_MAX_LENGTH,
        widget=widgets.AdminTextareaWidget(attrs={"rows": 4}),
    )
    custom_fields = JsonObject(help_text="A JSON object. Once custom fields are defined, each is a field of its own.")
    external_id = _text(
        "External id", EXTERNAL_ID_MAX_LENGTH, "In some other system; no two users of a client share one."
    )
    featured = forms.BooleanField(required=False)
    public_profile = forms.BooleanField(label="Public profile", required=False)
    properties = JsonObject(rows=8, help_text="A JSON object: whatever programs know of the user beyond all this.")

    class Meta:
        model = User
        fields = ["client"]
        help_texts = {"client": "For regular users. No client makes an administrator, so that is asked for above."}
        error_messages = {"client": {"invalid_choice": fragment(Fault("client", "must_exist"))}}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        user = self.instance
        if user.pk is not None:
            self.initial.update({name: getattr(user, name) for name in _COLUMNS})
            self.initial["active"] = user.is_active
            self.initial["role"] = user.role
            self.initial["roles"] = list(user.groups.values_list("pk", flat=True))
            self.initial["custom_fields"] = JsonObject.shown(user.custom_fields)
            self.initial["properties"] = JsonObject.shown(user.properties)
        _put(self, "roles", RowsSelect(User._meta.get_field("groups"), self.site))
        if self.definitions:
            del self.fields["custom_fields"]
        for definition in self.definitions:
            self.fields[name_of(definition)] = field_for(definition, user.custom_fields.get(definition.name))

    def place_of(self, fault: Fault) -> str | None:
        names = {definition.name: name_of(definition) for definition in self.definitions}
        if fault.field == "custom_fields" and fault.data.get("name") in names:
            return names[fault.data["name"]]
        return super().place_of(fault)

    def role_names(self) -> list[str]:
        """The names of the roles chosen."""
        chosen = self.cleaned_data.get("roles", [])
        return list(Group.objects.filter(pk__in=chosen).values_list("name", flat=True)) if chosen else []

    def custom_values(self) -> Values:
        """The custom fields as they are to be; what was not touched stays, whatever it is."""
        if not self.definitions:
            return dict(self.cleaned_data.get("custom_fields") or {})
        values = dict(self.instance.custom_fields)
        for definition in self.definitions:
            name = name_of(definition)
            if name in self.changed_data and name in self.cleaned_data:
                values.pop(definition.name, None)
                if self.cleaned_data[name]:
                    values[definition.name] = self.cleaned_data[name]
        return values

    def clean(self) -> Values:
        # A blank never makes an administrator (DESIGN 2): the role is said, and the client must fit it.
        values = super().clean() or self.cleaned_data
        client, role = values.get("client"), values.get("role")
        if "client" not in self.errors:
            if role == Role.USER and client is None:
                self.add_error("client", "Choose the client that the user belongs to, or the role of an administrator.")
            if role == Role.ADMINISTRATOR and client is not None:
                self.add_error("client", "An administrator belongs to no client: clear this, or choose the other role.")
        return values

    def client_id(self) -> int | None:
        """The client chosen; None, where there is none or it could not be read."""
        client = self.cleaned_data.get("client")
        return client.pk if client is not None else None


_INVITATION = ("invite", "By invitation: a mail with a link to choose a password")


class UserAddForm(_UserForm, _PasswordFields):
    join_default_teams = forms.BooleanField(
        label="Join the default teams",
        required=False,
        initial=True,
        help_text="Those of the client that new users join.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        ways: Any = self.fields["usable_password"]
        with_password, *others = ways.choices
        ways.choices = [with_password, _INVITATION, *others]
        self.fields["name"].help_text = "As shown to everybody. Made of the parts below if left blank."
        self.fields["username"].help_text = "Made of the e-mail if left blank."

    def write(self, reported: Sequence[Fault]) -> User:
        values = self.cleaned_data
        password, faults = self.new_password()
        return users.create(
            actor=self.actor,
            client_id=self.client_id(),
            name=values["name"],
            given_name=values["given_name"],
            middle_name=values["middle_name"],
            family_name=values["family_name"],
            email=values["email"],
            username=values["username"] or None,
            nickname=values["nickname"],
            bio=values["bio"],
            status_text=values["status_text"],
            custom_fields=self.custom_values(),
            external_id=values["external_id"],
            featured=values["featured"],
            public_profile=values["public_profile"],
            properties=values.get("properties"),
            roles=self.role_names(),
            join_default_teams=values["join_default_teams"],
            password=password,
            active=values["active"],
            email_verified=values["email_verified"],
            must_change_password=password is not None and values["must_change_password"],
            invite=values.get("usable_password") == "invite",
            reported=[*reported, *faults],
        )


class UserChangeForm(_UserForm):
    teams = Rows(
        Team.objects.all(), required=False, help_text="Of the client; whoever moves to another one leaves them."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        user = self.instance
        self.initial["teams"] = list(user.memberships.values_list("team_id", flat=True))
        _put(self, "teams", of_client.select(Membership._meta.get_field("team"), self.site, user.client_id))
        self.fields["name"].help_text = "As shown to everybody. Made anew when only parts of it are changed."

    def write(self, reported: Sequence[Fault]) -> User:
        moved = "client" in self.changed_data or "role" in self.changed_data
        custom = any(name.startswith("custom_field") for name in self.changed_data)
        return users.update(
            actor=self.actor,
            user_id=self.instance.pk,
            name=self.changed("name"),
            given_name=self.changed("given_name"),
            middle_name=self.changed("middle_name"),
            family_name=self.changed("family_name"),
            email=self.changed("email"),
            username=self.changed("username"),
            nickname=self.changed("nickname"),
            bio=self.changed("bio"),
            status_text=self.changed("status_text"),
            custom_fields=self.custom_values() if custom else UNSET,
            external_id=self.changed("external_id"),
            featured=self.changed("featured"),
            public_profile=self.changed("public_profile"),
            properties=self.changed("properties"),
            roles=self.role_names() if "roles" in self.changed_data else UNSET,
            teams=self.changed("teams"),
            client_id=self.client_id() if moved else UNSET,
            active=self.changed("active"),
            email_verified=self.changed("email_verified"),
            must_change_password=self.changed("must_change_password"),
            versions=self.versions,
            reported=reported,
        )

    def changed(self, name: str) -> Any | Unset:
        """The value of a field that was changed; what was not touched, or could not be read, is not sent."""
        return self.cleaned_data.get(name, UNSET) if name in self.changed_data else UNSET


class PasswordForm(Throttled, ServiceForm, _PasswordFields):
    """A new password for `user`, or none any more; for oneself the present one is asked for."""

    present_password = _secret("Your present password", "current-password")
    field_order = ["present_password"]

    def __init__(self, *args: Any, user: User, actor: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user, self.actor = user, actor
        if user.pk != actor.pk:
            del self.fields["present_password"]
        else:
            del self.fields["must_change_password"]
            if user.must_change_password:
                del self.fields["usable_password"]  # none at all is no other one

    def clean_present_password(self) -> str:
        present: str = self.cleaned_data["present_password"]
        try:
            with door.attempt(self.user.email):
                sign_ins.verified_user(email=self.user.email, password=present)
        except InvalidCredentials:
            self.add_error("present_password", "Is wrong.")
        except TooManyRequests as refusal:
            self.refusal = refusal
            self.add_error("present_password", words.of_wait(refusal))
        return present

    def write(self, reported: Sequence[Fault]) -> User:
        password, faults = self.new_password()
        duty = self.cleaned_data.get("must_change_password", UNSET)
        return users.update(
            actor=self.actor,
            user_id=self.user.pk,
            password=password,
            must_change_password=duty if password is not None else UNSET,
            reported=[*reported, *faults],
        )
