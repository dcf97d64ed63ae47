from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also rewrites `import … from "./x.js"` to the hashed name, so that a module and its imports never disagree."""

    support_js_module_import_aggregation = True
