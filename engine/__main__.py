"""`python -m engine`: the engine without a server and without Django. Results on stdout, all else on stderr."""

import argparse
import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from engine import catalog
from engine.client import EngineClient
from engine.config import EngineConfig, config_from_environment
from engine.errors import EngineError, MediaError, ModelUnavailable, UnsupportedLanguage
from engine.progress import Bar
from engine.protocols import Engine
from engine.types import Chunk, Event, Keyword, KnownSpeaker, Options, Transcript, to_dict

OK, FAILED, USAGE, BAD_MEDIA, NO_MODEL, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if args.command == "serve" else logging.ERROR, format="%(message)s")
    try:
        return int(args.run(args, config_from_environment()) or OK)
    except KeyboardInterrupt:
        return _complain("Interrupted.", INTERRUPTED)
    except MediaError as error:
        return _complain(f"{args.file}: {error.message}", BAD_MEDIA)
    except ModelUnavailable as error:
        return _complain(error.message, NO_MODEL)
    except UnsupportedLanguage as error:
        return _complain(error.message, USAGE)
    except EngineError as error:
        return _complain(error.message, FAILED)
    except ValueError as error:  # what the environment says is wrong
        return _complain(str(error), USAGE)
    except BrokenPipeError:  # the reader of our output had enough
        sys.stderr.close()
        return FAILED


def transcribe(args: argparse.Namespace, config: EngineConfig) -> None:
    with closing(_engine(args, config)) as engine, Bar(engine) as bar:
        transcript = engine.transcribe(args.file, _options(args), on_event=bar.show)
    if args.format == "txt":
        print(transcript.text, flush=True)
    else:
        _print_json(to_dict(transcript))


def models_list(args: argparse.Namespace, config: EngineConfig) -> None:
    from engine.store import ModelStore

    store = ModelStore(config)
    default, _ = store.default()
    rows: list[dict[str, Any]] = []
    for status in (*store.statuses(), *store.others()):
        entry = catalog.fetchable(status.id)
        rows.append(
            {
                "id": status.id,
                "default": status.id == default,
                "installed": status.installed,
                "size": entry.size if entry else None,
                "description": entry.description if entry else f"Your own model, {config.default_model}.",
            }
        )
    if args.json or not sys.stdout.isatty():
        return _print_json(rows)
    for row in rows:
        where = "here" if row["installed"] else f"{(row['size'] or 0) / 1e9:.2f} GB to fetch"
        print(f"{'*' if row['default'] else ' '} {row['id']:<22} {where:<16} {row['description']}")
    return None


def models_fetch(args: argparse.Namespace, config: EngineConfig) -> None:
    from engine.store import ModelStore

    with Bar() as bar:
        ModelStore(config).fetch(args.id, bar.fetched)
    print(f"{args.id} is in {config.models_dir.absolute()}.", file=sys.stderr)


def models_remove(args: argparse.Namespace, config: EngineConfig) -> None:
    from engine.store import ModelStore

    ModelStore(config).remove(args.id)
    print(f"{args.id} is gone.", file=sys.stderr)


def serve(args: argparse.Namespace, config: EngineConfig) -> int:
    from engine.server import AlreadyRunning
    from engine.server import serve as run

    try:
        run(args.socket, config, exit_with_parent=args.exit_with_parent)
    except AlreadyRunning as error:
        return _complain(str(error), FAILED)
    except OSError as error:
        return _complain(f"The engine cannot listen at {args.socket}: {error}.", FAILED)
    return OK


def bench(args: argparse.Namespace, config: EngineConfig) -> None:
    """The first run loads the model, and is reported apart."""
    options = _options(args)
    runs: list[dict[str, float]] = []
    with closing(_engine(args, config)) as engine, Bar(engine) as bar:
        for _ in range(args.runs + 1):
            transcript, timing = _timed(engine, args.file, options, bar.show)
            runs.append(timing)
    best = min(run["seconds"] for run in runs[1:])
    _print_json(
        {
            "file": str(args.file),
            "model": transcript.model,
            "audio_seconds": round(transcript.duration, 3),
            "coverage": round(transcript.coverage, 4),
            "first_run": runs[0],
            "runs": runs[1:],
            "times_real_time": round(transcript.duration / best, 2),
            "peak_memory_mb": None if args.socket else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
    )


def _timed(
    engine: Engine, file: Path, options: Options, show: Callable[[Event], None]
) -> tuple[Transcript, dict[str, float]]:
    began = time.perf_counter()
    first: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Chunk) and event.segments and not first:
            first.append(time.perf_counter() - began)
        show(event)

    transcript = engine.transcribe(file, options, on_event=on_event)
    timing = {"seconds": round(time.perf_counter() - began, 4)}
    if first:
        timing["first_text_seconds"] = round(first[0], 4)
    return transcript, timing


def _engine(args: argparse.Namespace, config: EngineConfig) -> Engine:
    if args.socket is not None:
        return EngineClient(args.socket)
    from engine.local import LocalEngine

    return LocalEngine(config)


def _options(args: argparse.Namespace) -> Options:
    known = tuple(args.known)
    return Options(
        model=args.model,
        language=args.language,
        task=args.task,
        priority="interactive",
        languages=args.languages,
        prompt=args.prompt,
        context=tuple(args.context),
        keywords=tuple(args.keyword),
        code_switching=args.code_switching,
        min_snr_db=args.min_snr_db,
        clean=args.clean,
        normalize_script=args.normalize_script,
        diarize=args.diarize or args.speakers is not None or bool(known),
        speakers=args.speakers,
        known_speakers=known,
        channels=args.channels,
    )


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2 if sys.stdout.isatty() else None), flush=True)


def _complain(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name}")
    return path


def _known(pair: str) -> KnownSpeaker:
    name, equals, clip = pair.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{pair!r} is not NAME=FILE")
    return KnownSpeaker(name, str(_file(clip).absolute()))


def _language(name: str) -> str | None:
    if name == "auto":
        return None
    code = catalog.language_code(name)
    if code is None:
        raise argparse.ArgumentTypeError(f"{name!r} is not a language code Whisper knows; use en, es, de, … or auto")
    return code


def _languages(names: str) -> tuple[str, ...]:
    codes = [_language(name.strip()) for name in names.split(",") if name.strip()]
    return tuple(code for code in codes if code is not None)


def _keyword(text: str) -> Keyword:
    try:
        return Keyword.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _context(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    return (name, value) if equals else ("", text)


def _add_hints(parser: argparse.ArgumentParser) -> None:
    hints = parser.add_argument_group("what is known beforehand, and what to do with the text")
    hints.add_argument("--languages", type=_languages, default=(), help="candidates, where none is given: en,es")
    hints.add_argument("--code-switching", action="store_true", help="listen for the language of each stretch")
    hints.add_argument("--prompt", help="text that could stand before the recording")
    hints.add_argument("--context", type=_context, action="append", default=[], help="TEXT or NAME=VALUE; repeatable")
    hints.add_argument("--keyword", type=_keyword, action="append", default=[], help="TERM or TERM:WEIGHT; repeatable")
    hints.add_argument("--min-snr-db", type=float, help="leave out audio with less speech over noise")
    hints.add_argument("--clean", action="store_true", help="leave out um and uh, tidy spaces and marks")
    hints.add_argument("--normalize-script", action="store_true", help="Hindi with English: each in its own script")


def _positive(number: str) -> int:
    if not number.isdigit() or int(number) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="From audio to transcript.")
    commands = parser.add_subparsers(dest="command", required=True)

    work = _work()
    command = commands.add_parser("transcribe", parents=[work], help="print what is said in a file")
    command.add_argument("--format", choices=("json", "txt"), default="json")
    command.set_defaults(run=transcribe)

    command = commands.add_parser("bench", parents=[work], help="time the transcription of a file")
    command.add_argument("--runs", type=_positive, default=3, help="after one that loads the model")
    command.set_defaults(run=bench)

    command = commands.add_parser("serve", help="serve other processes over a Unix socket")
    command.add_argument("--socket", type=Path, required=True)
    command.add_argument("--exit-with-parent", action="store_true", help="end when the process that started this ends")
    command.set_defaults(run=serve)

    _add_models(commands)
    return parser


def _work() -> argparse.ArgumentParser:
    """What all commands over a file take."""
    work = argparse.ArgumentParser(add_help=False)
    work.add_argument("file", type=_file)
    work.add_argument("--model", help="an id of `models list`; the default depends on this machine")
    work.add_argument("--language", type=_language, help="ISO 639-1 code, or auto (the default)")
    work.add_argument("--task", choices=("transcribe", "translate"), default="transcribe", help="translate: to English")
    work.add_argument("--diarize", action="store_true", help="tell voices apart")
    work.add_argument("--speakers", type=_positive, help="how many voices there are")
    work.add_argument(
        "--known",
        type=_known,
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a voice's name and a recording of it alone, 2 to 10 s; may be given many times",
    )
    work.add_argument(
        "--channels", choices=("mix", "speakers"), default="mix", help="speakers: each channel is one person"
    )
    work.add_argument("--socket", type=Path, help="use the engine that runs there instead of one in this process")

    _add_hints(work)
    return work


def _add_models(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    models = commands.add_parser("models", help="the models of this machine")
    models.set_defaults(run=models_list, json=False)
    actions = models.add_subparsers(dest="action")
    command = actions.add_parser("list", help="what there is, and what is here (the default)")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=models_list)
    command = actions.add_parser("fetch", help="download a model now")
    command.add_argument("id")
    command.set_defaults(run=models_fetch)
    command = actions.add_parser("remove", help="delete a downloaded model")
    command.add_argument("id")
    command.set_defaults(run=models_remove)


if __name__ == "__main__":
    sys.exit(main())
