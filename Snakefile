"""Entry for `snakemake --cores all` in a clone; the workflow itself is workflow/Snakefile."""


include: "workflow/Snakefile"


workflow.default_target = "all"  # an included file does not set it
