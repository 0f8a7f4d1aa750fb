/** Dates as Python's strftime writes them in the C locale. */

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** @throws naming a code that is not known */
export function dateText(now: Date, format: string): string {
  return format.replace(/%([-_0^#]?)(.?)/gsu, (whole, flag: string, code: string) => {
    const part = partOf(now, code);
    if (part === undefined) throw new Error(`strftime_now() with “${whole}”, which is not known here`);
    const [value, width, fill = '0'] = part;
    if (typeof value === 'number') {
      const digits = String(value);
      if (flag === '-') return digits;
      if (flag === '^' || flag === '#') return digits.padStart(width!, fill);
      return digits.padStart(width!, flag === '_' ? ' ' : flag === '0' ? '0' : fill);
    }
    if (flag === '^') return value.toUpperCase();
    if (flag === '#' || flag !== '') throw new Error(`strftime_now() with “${whole}”, which is not known here`);
    return value;
  });
}

type Part = readonly [value: string] | readonly [value: number, width: number, fill?: string];

function partOf(now: Date, code: string): Part | undefined {
  const hour = now.getHours();
  const [year, weekday] = [now.getFullYear(), now.getDay()];
  const ofYear = Math.round((Date.UTC(year, now.getMonth(), now.getDate()) - Date.UTC(year, 0, 1)) / 86_400_000);
  const both = (formats: string): Part => [dateText(now, formats)];
  switch (code) {
    case 'Y':
      return [year, 1];
    case 'C':
      return [Math.floor(year / 100), 2];
    case 'y':
      return [year % 100, 2];
    case 'm':
      return [now.getMonth() + 1, 2];
    case 'B':
      return [MONTHS[now.getMonth()]!];
    case 'b':
    case 'h':
      return [MONTHS[now.getMonth()]!.slice(0, 3)];
    case 'd':
      return [now.getDate(), 2];
    case 'e':
      return [now.getDate(), 2, ' '];
    case 'j':
      return [ofYear + 1, 3];
    case 'A':
      return [DAYS[weekday]!];
    case 'a':
      return [DAYS[weekday]!.slice(0, 3)];
    case 'w':
      return [weekday, 1];
    case 'u':
      return [weekday === 0 ? 7 : weekday, 1];
    case 'U':
      return [Math.floor((ofYear + 7 - weekday) / 7), 2];
    case 'W':
      return [Math.floor((ofYear + 7 - ((weekday + 6) % 7)) / 7), 2];
    case 'G':
      return [isoWeek(now).year, 1];
    case 'V':
      return [isoWeek(now).week, 2];
    case 'H':
      return [hour, 2];
    case 'k':
      return [hour, 2, ' '];
    case 'I':
      return [hour % 12 === 0 ? 12 : hour % 12, 2];
    case 'l':
      return [hour % 12 === 0 ? 12 : hour % 12, 2, ' '];
    case 'p':
      return [hour < 12 ? 'AM' : 'PM'];
    case 'M':
      return [now.getMinutes(), 2];
    case 'S':
      return [now.getSeconds(), 2];
    case 'f':
      return [now.getMilliseconds() * 1000, 6];
    case 'z':
    case 'Z':
      return ['']; // datetime.now() has no time zone
    case 'c':
      return both('%a %b %e %H:%M:%S %Y');
    case 'x':
    case 'D':
      return both('%m/%d/%y');
    case 'X':
    case 'T':
      return both('%H:%M:%S');
    case 'R':
      return both('%H:%M');
    case 'F':
      return both('%Y-%m-%d');
    case 'n':
      return ['\n'];
    case 't':
      return ['\t'];
    case '%':
      return ['%'];
    default:
      return undefined;
  }
}

/** The week of a date by ISO 8601: that of its Thursday. */
function isoWeek(now: Date): {readonly year: number; readonly week: number} {
  const day = new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() === 0 ? 7 : day.getUTCDay()));
  const year = day.getUTCFullYear();
  return {year, week: Math.floor((day.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 / 7) + 1};
}
