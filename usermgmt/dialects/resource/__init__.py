"""The resource contract: users as a camelCase resource with coded errors.

"Contract 3" in a comment of this folder is section 3 of docs/contracts/resource.md.
"""
