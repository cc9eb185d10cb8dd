"""A stock ModelViewSet with ModelSerializers, PageNumberPagination and simplejwt, and their URLs."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ModelViewSet
from rest_framework_simplejwt.views import TokenObtainPairView

from benchmarks.stock.models import Client, User


class ClientSerializer(serializers.ModelSerializer):
    class Meta:
        model = Client
        fields = ["id", "name"]


class UserSerializer(serializers.ModelSerializer):
    client = ClientSerializer(read_only=True)
    client_id = serializers.PrimaryKeyRelatedField(
        source="client", queryset=Client.objects.all(), write_only=True, required=False, allow_null=True
    )
    password = serializers.CharField(write_only=True, validators=[validate_password])

    class Meta:
        model = User
        fields = ["id", "name", "email", "client", "client_id", "password"]

    def create(self, validated_data: dict[str, Any]) -> User:
        return User.objects.create_user(**validated_data)

    def update(self, instance: User, validated_data: dict[str, Any]) -> User:
        if "password" in validated_data:
            instance.set_password(validated_data.pop("password"))
        return super().update(instance, validated_data)


class UserViewSet(ModelViewSet):
    queryset = User.objects.select_related("client").order_by("id")
    serializer_class = UserSerializer
    permission_classes = [IsAdminUser]

    @action(detail=False, permission_classes=[IsAuthenticated])
    def current(self, request: Request) -> Response:
        return Response(self.get_serializer(request.user).data)


def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


router = DefaultRouter()
router.register("users", UserViewSet)
urlpatterns = [
    path("livez", livez),
    path("auth/token/", TokenObtainPairView.as_view()),
    path("", include(router.urls)),
]
