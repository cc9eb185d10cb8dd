"""The Rocket.Chat contract: user administration for software that speaks to Rocket.Chat.

"Contract 3" in a comment of this folder is section 3 of docs/contracts/rocketchat.md.
"""
