"""The recipes of all products of a configuration, with its values filled in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eelsunmix.configuration import SampleSettings
from eelsunmix.plain import digest_of
from eelsunmix.recipes.code import code_of
from eelsunmix.recipes.content import Contents, OfFiles
from eelsunmix.recipes.table import INDEX, Product, recipe_of


class Recipes:
    """What the configuration asks for now.

    Parameters
    ----------
    samples : mapping of str to SampleSettings
        All samples of the configuration that can be run.
    skipped : sequence of str
        One line about each one that cannot.
    """

    def __init__(self, samples: Mapping[str, SampleSettings], skipped: Sequence[str] = ()) -> None:
        self.samples, self.skipped = samples, list(skipped)
        self._digests: dict[Product, str] = {}
        self._contents = Contents()

    def value(self, product: Product, name: str) -> Any:
        """Value of one parameter of the rule that makes a product."""
        sample = self._asking(product)
        recipe = recipe_of(product, sample)
        if name == "code":
            return code_of(*recipe.modules(sample, product.label))
        if name == "made_of":
            return {one.path: self.digest(one) for one in self.inputs(product)}
        setting = recipe.settings[name]
        if isinstance(setting, OfFiles):
            found = self._contents.of(setting.files(sample), product.path, name)
            return found[0] if setting.single else found
        return setting(sample, product.label)

    def settings(self, product: Product) -> dict[str, Any]:
        """All parameters of the rule that makes a product, as its manifest must have them."""
        names = recipe_of(product, self._asking(product)).names
        return {name: self.value(product, name) for name in names}

    def digest(self, product: Product) -> str:
        """Digest of the settings of a product and, through them, of everything that it is made of."""
        if product not in self._digests:
            self._digests[product] = digest_of(self.settings(product))
        return self._digests[product]

    def inputs(self, product: Product) -> list[Product]:
        """Products that a product is made of."""
        if product == INDEX:
            return [Product(name, "verdict") for name in self.samples]
        sample = self.samples[product.sample]
        found = []
        for store in recipe_of(product, sample).inputs:
            source = sample.model_source if store == "fit" else sample.name
            for label in self._labels(store, product):
                found.append(Product(source, store, label))
        return found

    def unread(self) -> list[str]:
        """Return one line, once, about each file that cannot be read while what was made of it stands."""
        lines, self._contents.unread = self._contents.unread, []
        return lines

    def products(self) -> Iterator[Product]:
        """Yield everything that the configuration asks for, each before what is made of it."""
        for name, sample in self.samples.items():
            for store in ("raw", "corrected", "pca", "rank", "bs"):
                yield Product(name, store)
            for store in ("fit", "map")[sample.model_source != name :]:
                yield from (Product(name, store, label) for label in sample.methods)
            yield from (Product(name, "comparison"), Product(name, "page"), Product(name, "verdict"))
        if self.samples:
            yield INDEX

    def _asking(self, product: Product) -> Any:
        """Return what the settings of a product are taken from; of the index this."""
        return self if product == INDEX else self.samples[product.sample]

    def _labels(self, store: str, product: Product) -> list[str]:
        if store not in ("fit", "map"):
            return [""]
        return [product.label] if product.label else list(self.samples[product.sample].methods)
