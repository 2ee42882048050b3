"""What the benchmarks measured, collected over a session and written as a page."""

from dataclasses import dataclass, field
from statistics import median

from benchmarks import machine
from benchmarks.timing import exponent

MARKERS = ("<!-- benchmarks begin -->", "<!-- benchmarks end -->")
QUOTED = (  # rows by name and peer
    ("diagonal network, d = 1000, 1000 times", "scipy DOP853 at 1e-11"),
    ("diagonal network, d = 1000, 1000 times", "torchdiffeq dopri8 at 1e-11"),
    ("matrix network 50 x 50 x 50, 50 times", "scipy RK45 at 1e-8"),
    ("tangent kernel of 784-200-200-10 on 50 digits", "torch.func vmap(jacrev)"),
    ("accuracy of 1,000 digits under noise of 25 amplitudes", "foolbox"),
    ("sharpness of 784-200-200-10 (199,210 parameters), float32", "curvlinops, scipy eigsh at 1e-05"),
    ("trace of 20-24-24-4 (1,204 parameters), 20 draws, float64", "curvlinops hutchinson_trace"),
    ("ensemble of 8, 64-32-32-10, 60 steps of 50", "torch.func vmap(grad)"),
    ("ensemble of 8, 784-200-200-10, 60 steps of 200", "torch.func vmap(grad)"),
    ("training 784-200-200-10, 300 steps of 200", "bare torch loop"),
    ("neurashed, 4 x 100 nodes, 30,100 edges, 200 updates of 4 samples", "loop over networkx"),
)
IMPOSSIBLE = "below its limit, so the limit is wrong"
HEAD = """# Benchmarks

Written by `make bench`. Seconds are processor time of one process: the median, and in brackets the shortest and the
longest, of five repeats or more of what takes less than two seconds and of three of what takes less than eight; both
take turns. What takes longer is called once. "Ratio" is the peer's median over ours: above 1 we are faster,
**below 1 we lose**. A goal is the least ratio, unless it says seconds.
"""


@dataclass(frozen=True)
class Row:
    """One comparison.

    Parameters
    ----------
    name : str
        What is done, with its sizes.
    ours : sequence of float
        Seconds.
    peer : str
        What does the same, empty where nothing does.
    theirs : sequence of float, optional
        Seconds of the peer; None where it is not installed.
    goal : float, optional
        Least ratio of the peer's median to ours.
    at_most : float, optional
        Most seconds of ours, another goal.
    note : str
        How the results differ, or what else is to be known.
    """

    name: str
    ours: tuple
    peer: str = ""
    theirs: tuple | None = None
    goal: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def ratio(self):
        """The peer's median over ours, None without the peer."""
        return median(self.theirs) / median(self.ours) if self.theirs else None

    @property
    def missed(self):
        """Whether a goal is set and not met; None where it cannot be said."""
        if self.at_most is not None:
            return median(self.ours) > self.at_most
        return None if self.goal is None or self.ratio is None else self.ratio < self.goal

    def line(self):
        """Its line in the table."""
        theirs = spread(self.theirs) if self.theirs else machine.ABSENT if self.peer else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}" if self.ratio < 10 else f"{self.ratio:.0f}"
        ratio = f"**{ratio}**" if self.ratio is not None and self.ratio < 1 else ratio
        goal = (
            f"{self.goal:.3g}" if self.goal is not None else f"{self.at_most:g} s" if self.at_most is not None else ""
        )
        goal += {True: ", **missed**", False: ", met", None: ""}[self.missed]
        return f"| {self.name} | {spread(self.ours)} | {self.peer} | {theirs} | {ratio} | {goal} | {self.note} |"


@dataclass(frozen=True)
class Growth:
    """How seconds or bytes grow with a size.

    Parameters
    ----------
    name : str
    size : str
        What grows.
    sizes, values : sequences of float
        Sizes, and seconds or bytes there.
    least : sequence of float
        Seconds at the machine's measured bandwidth or flops, or bytes, that cannot be undercut at these sizes.
    because : str
        What has to be done or moved, in words.
    unit : str
        "s" or "bytes".
    """

    name: str
    size: str
    sizes: tuple
    values: tuple
    least: tuple
    because: str
    unit: str = "s"

    def line(self):
        """Its line in the table."""
        shown = short if self.unit == "s" else in_bytes
        sizes = ", ".join(f"{size:,}" for size in self.sizes)
        fitted, limit = (f"{exponent(self.sizes, each):.2f}" for each in (self.values, self.least))
        times = f"{self.values[-1] / self.least[-1]:.1f}" + (f", **{IMPOSSIBLE}**" if self.impossible else "")
        at, floor = shown(self.values[-1]), shown(self.least[-1])
        return (
            f"| {self.name} | {self.size}: {sizes} | {fitted} | {limit} | {at} | {floor} | {times} | {self.because} |"
        )

    @property
    def impossible(self):
        """Whether something took less than it must: then the count or the measured speed is wrong."""
        return any(value < least for value, least in zip(self.values, self.least, strict=True))


@dataclass
class Results:
    """Everything of a session."""

    rows: list = field(default_factory=list)
    growths: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    loads: list = field(default_factory=lambda: [machine.load()])

    def __call__(self, name, ours, peer="", theirs=None, **more):
        """Add a :class:`Row` and print it; seconds may be one number."""
        row = Row(name, _tuple(ours), peer, None if theirs is None else _tuple(theirs), **more)
        self.rows.append(row)
        print(f"\n{row.line()}")
        return row

    def growth(self, *arguments, **more):
        """Add a :class:`Growth` and print it."""
        growth = Growth(*arguments, **more)
        self.growths.append(growth)
        print(f"\n{growth.line()}")
        return growth

    def page(self):
        """The whole page."""
        missed = [row for row in self.rows if row.missed]
        lost = [row for row in self.rows if row.ratio is not None and row.ratio < 1]
        with_goal = [row for row in self.rows if row.missed is not None]
        lines = [HEAD, *machine.described([*self.loads, machine.load()]), ""]
        lines += [f"Goals: {len(with_goal)}, missed: {len(missed)}; rows in which the peer is faster: {len(lost)}.", ""]
        for words, names in (("Failed", self.failed), ("Not run this time", self.left_out)):
            lines += [f"{words}: {', '.join(names)}.", ""] if names else []
        lines += ["| what | ours | peer | peer's | ratio | goal | note |", "|---|---|---|---|---|---|---|"]
        lines += [row.line() for row in self.rows]
        lines += ["", "## Growth with size", ""]
        lines += ['Fits of log value over log size. "Least" is what moving the bytes, or the arithmetic that is named,']
        lines += ["takes at the speeds measured above.", ""]
        lines += [
            "| what | sizes | exponent | its limit | at the largest | least | times the least | of what |",
            "|---" * 8 + "|",
        ]
        lines += [growth.line() for growth in self.growths]
        return "\n".join(lines) + "\n"


def quoted(rows):
    """The lines of a page that the README quotes, ours lost among them, as a short table."""
    lines = ["| what | ours | peer | peer's | ratio |", "|---|---|---|---|---|"]
    for name, peer in QUOTED:
        lines += ["|".join(row.line().split("|")[:6]) + "|" for row in rows if row.name == name and row.peer == peer]
    return "\n".join(lines)


def between_markers(text, content):
    """A text with what stands between `MARKERS` replaced."""
    head, _, rest = text.partition(MARKERS[0])
    return "\n".join([head + MARKERS[0], content, MARKERS[1] + rest.partition(MARKERS[1])[2]])


def spread(seconds):
    """`1.2 ms (1.1 to 1.4)`."""
    middle = short(median(seconds))
    if len(seconds) == 1:
        return f"{middle} (once)"
    number, unit = middle.split()
    scale = median(seconds) / float(number)
    return f"{number} {unit} ({min(seconds) / scale:.3g} to {max(seconds) / scale:.3g})"


def short(seconds):
    """Seconds with their unit, three digits."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def in_bytes(count):
    """Bytes in MB."""
    return f"{count / 1e6:.3g} MB"


def _tuple(seconds):
    return tuple(seconds) if hasattr(seconds, "__iter__") else (seconds,)
